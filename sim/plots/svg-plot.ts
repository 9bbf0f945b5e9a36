// Lines over two axes as an SVG picture, as text. Knows nothing of what the lines mean.

export interface PlotSeries {
  readonly label: string;
  /** In the order in which they are joined; what is not finite is left out. */
  readonly points: readonly (readonly [x: number, y: number])[];
  readonly isDashed?: boolean;
}

export interface PlotOptions {
  readonly title: string;
  readonly xLabel: string;
  readonly yLabel: string;
  readonly series: readonly PlotSeries[];
  /** Where the vertical axis ends at least. @defaultValue the highest point */
  readonly yMax?: number;
}

const WIDTH = 800;
const HEIGHT = 440;
const LEFT = 70;
const RIGHT = 20;
const TOP = 70;
const BOTTOM = 50;
const TICKS = 6;
/** Told apart by people of any colour vision (Okabe and Ito). */
const COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000'];

export function plotSvg(options: PlotOptions): string {
  const series = options.series.map((one) => ({ ...one, points: one.points.filter(isFinitePoint) }));
  const points = series.flatMap((one) => one.points);
  const xTicks = ticks(points.reduce((most, [x]) => Math.max(most, x), 0));
  const yTicks = ticks(points.reduce((most, [, y]) => Math.max(most, y), options.yMax ?? 0));
  const xEnd = xTicks[xTicks.length - 1]!;
  const yEnd = yTicks[yTicks.length - 1]!;
  const toX = (x: number): number => LEFT + (x / xEnd) * (WIDTH - LEFT - RIGHT);
  const toY = (y: number): number => HEIGHT - BOTTOM - (y / yEnd) * (HEIGHT - TOP - BOTTOM);
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12">`,
    `<rect width="${WIDTH}" height="${HEIGHT}" fill="#ffffff"/>`,
    text(LEFT, 24, options.title, 'font-size="16" font-weight="bold"'),
  ];
  for (const x of xTicks) {
    parts.push(line(toX(x), TOP, toX(x), HEIGHT - BOTTOM));
    parts.push(text(toX(x), HEIGHT - BOTTOM + 18, formatTick(x), 'text-anchor="middle"'));
  }
  for (const y of yTicks) {
    parts.push(line(LEFT, toY(y), WIDTH - RIGHT, toY(y)));
    parts.push(text(LEFT - 8, toY(y) + 4, formatTick(y), 'text-anchor="end"'));
  }
  parts.push(text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, options.xLabel, 'text-anchor="middle"'));
  const middle = (TOP + HEIGHT - BOTTOM) / 2;
  parts.push(text(18, middle, options.yLabel, `text-anchor="middle" transform="rotate(-90 18 ${middle})"`));
  let legendX = LEFT;
  series.forEach(({ label, points: own, isDashed }, index) => {
    const stroke = `stroke="${COLOURS[index % COLOURS.length]}" stroke-width="2"${isDashed === true ? ' stroke-dasharray="6 4"' : ''}`;
    const path = own.map(([x, y]) => `${toX(x).toFixed(1)},${toY(y).toFixed(1)}`).join(' ');
    parts.push(`<polyline fill="none" ${stroke} points="${path}"/>`);
    parts.push(`<line x1="${legendX}" y1="46" x2="${legendX + 24}" y2="46" ${stroke}/>`);
    parts.push(text(legendX + 30, 50, label, ''));
    legendX += 50 + label.length * 7;
  });
  parts.push('</svg>');
  return `${parts.join('\n')}\n`;
}

/** Round numbers from 0 to at least `most`. */
function ticks(most: number): number[] {
  const rough = (most > 0 ? most : 1) / TICKS;
  const magnitude = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 2.5, 5, 10].find((factor) => factor * magnitude >= rough) ?? 10) * magnitude;
  const count = Math.max(1, Math.ceil((most > 0 ? most : 1) / step - 1e-9));
  return Array.from({ length: count + 1 }, (_, index) => index * step);
}

function formatTick(value: number): string {
  return String(Number(value.toPrecision(6)));
}

function line(x1: number, y1: number, x2: number, y2: number): string {
  return `<line x1="${x1.toFixed(1)}" y1="${y1.toFixed(1)}" x2="${x2.toFixed(1)}" y2="${y2.toFixed(1)}" stroke="#dddddd"/>`;
}

function text(x: number, y: number, content: string, attributes: string): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;');
  return `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" ${attributes}>${escaped}</text>`;
}

function isFinitePoint([x, y]: readonly [number, number]): boolean {
  return Number.isFinite(x) && Number.isFinite(y);
}
