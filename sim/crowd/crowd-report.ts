// The result of a crowd scenario as text: lines for a terminal, a row for a table, pictures of its curves.
import { type PlotSeries, plotSvg } from '../plots/svg-plot.ts';
import type { CrowdOutcome, PeerOutcome } from './crowd-outcome.ts';
import { type CrowdResult, type Figure, isReached } from './crowd-scenario.ts';

export function reportLines({ figures, outcomes, problems }: CrowdResult): string[] {
  return [
    ...figures.map((figure) => `  ${figure.name.padEnd(44)} ${formatFigure(figure).padStart(10)}${goalOf(figure)}`),
    ...outcomes.map(({ label, virtualMs, eventCount }) => {
      return `  (${label}: ${(virtualMs / 1_000).toFixed(1)} s of virtual time, ${eventCount} events)`;
    }),
    ...problems.map((problem) => `  ! ${problem}`),
  ];
}

export function formatFigure({ value, unit }: Figure): string {
  if (Number.isNaN(value)) return 'none';
  switch (unit) {
    case 'ratio':
      return value.toFixed(3);
    case 'percent':
      return `${(value * 100).toFixed(2)} %`;
    case 'seconds':
      return `${value.toFixed(1)} s`;
    case 'count':
      return String(value);
  }
}

function goalOf(figure: Figure): string {
  const { goal, unit, name } = figure;
  if (goal === undefined) return '';
  const bound = goal.atMost ?? goal.atLeast ?? 0;
  const words = goal.atMost === undefined ? 'at least' : 'at most';
  const verdict = isReached(figure) ? 'reached' : 'MISSED';
  return `   goal: ${words} ${formatFigure({ name, unit, value: bound })}, ${verdict}`;
}

/** Of the same scenario under several seeds: each figure's median, smallest and largest, as rows of a Markdown table. */
export function tableRows(results: readonly CrowdResult[]): string[] {
  const names = results[0]?.figures.map(({ name }) => name) ?? [];
  return names.map((name, index) => {
    const figures = results.map((result) => result.figures[index]!).sort((a, b) => a.value - b.value);
    const at = (place: number): string => formatFigure(figures[place]!);
    const range = figures.length > 1 ? ` (${at(0)} to ${at(figures.length - 1)})` : '';
    return `| ${name} | ${at(Math.floor((figures.length - 1) / 2))}${range} |`;
  });
}

/** File name → SVG. */
export function plotsOf({ scenario, seed, outcomes }: CrowdResult): ReadonlyMap<string, string> {
  const title = (what: string): string => `${scenario}, seed ${seed}: ${what}`;
  return new Map([
    [
      'completion.svg',
      plotSvg({
        title: title('completion'),
        xLabel: 'seconds',
        yLabel: 'percent',
        series: outcomes.flatMap((outcome) => completionSeries(outcome)),
        yMax: 100,
      }),
    ],
    [
      'availability.svg',
      plotSvg({
        title: title('copies of a piece in the swarm'),
        xLabel: 'seconds',
        yLabel: 'copies',
        series: outcomes.flatMap((outcome) => availabilitySeries(outcome)),
      }),
    ],
    [
      'share-ratios.svg',
      plotSvg({
        title: title('bytes sent over bytes received'),
        xLabel: 'percent of leechers',
        yLabel: 'ratio',
        series: outcomes.map(({ label, peers }) => ({ label, points: ranked(peers, shareRatio) })),
      }),
    ],
    [
      'waste.svg',
      plotSvg({
        title: title('received and of no use'),
        xLabel: 'percent of leechers',
        yLabel: 'percent of bytes received',
        series: outcomes.flatMap(({ label, peers }) => [
          { label: `${label}: duplicates`, points: ranked(peers, (peer) => percent(peer.duplicateBytes, peer)) },
          {
            label: `${label}: failed`,
            points: ranked(peers, (peer) => percent(peer.failedBytes, peer)),
            isDashed: true,
          },
        ]),
      }),
    ],
  ]);
}

function completionSeries({ label, samples, peers }: CrowdOutcome): PlotSeries[] {
  const count = Math.max(1, peers.filter((peer) => peer.isLeecher).length);
  return [
    {
      label: `${label}: leechers complete`,
      points: samples.map(({ atMs, completeCount }) => [atMs / 1_000, (completeCount / count) * 100]),
    },
    {
      label: `${label}: bytes had`,
      points: samples.map(({ atMs, haveRatio }) => [atMs / 1_000, haveRatio * 100]),
      isDashed: true,
    },
  ];
}

function availabilitySeries({ label, samples }: CrowdOutcome): PlotSeries[] {
  return [
    { label: `${label}: mean`, points: samples.map(({ atMs, meanCopies }) => [atMs / 1_000, meanCopies]) },
    {
      label: `${label}: rarest piece`,
      points: samples.map(({ atMs, minCopies }) => [atMs / 1_000, minCopies]),
      isDashed: true,
    },
  ];
}

/** Of the leechers, lowest first, over their share of all. */
function ranked(peers: readonly PeerOutcome[], of: (peer: PeerOutcome) => number): [number, number][] {
  const values = peers.filter((peer) => peer.isLeecher).map(of);
  values.sort((a, b) => a - b);
  return values.map((value, index) => [(index / Math.max(1, values.length - 1)) * 100, value]);
}

function shareRatio({ uploadedBytes, downloadedBytes }: PeerOutcome): number {
  return uploadedBytes / Math.max(1, downloadedBytes);
}

function percent(bytes: number, { downloadedBytes }: PeerOutcome): number {
  return (bytes / Math.max(1, downloadedBytes)) * 100;
}
