import { expect, test } from 'vitest';
import { plotSvg } from './svg-plot.ts';

test('a line goes from corner to corner, its axes end at round numbers, and what is not finite is left out', () => {
  const svg = plotSvg({
    title: 'a < b',
    xLabel: 'seconds',
    yLabel: 'percent',
    series: [
      {
        label: 'one',
        points: [
          [0, 0],
          [3, Number.NaN],
          [120, 90],
        ],
      },
      { label: 'two', points: [], isDashed: true },
    ],
    yMax: 100,
  });
  expect(svg).toContain('<polyline fill="none" stroke="#0072b2" stroke-width="2" points="70.0,390.0 780.0,102.0"/>');
  expect(svg).toContain('>120</text>');
  expect(svg).toContain('>100</text>');
  expect(svg).toContain('a &lt; b');
  expect(svg).not.toContain('NaN');
});

test('nothing to draw is a picture too', () => {
  expect(plotSvg({ title: '', xLabel: '', yLabel: '', series: [] })).toContain('</svg>');
});
