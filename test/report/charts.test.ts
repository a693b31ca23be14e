import { h } from 'preact';
import { renderToString } from 'preact-render-to-string';
import { describe, expect, it } from 'vitest';
import { BarChart } from '../../src/report/bar-chart.js';
import { HeatMap } from '../../src/report/heat-map.js';
import { Lanes } from '../../src/report/lanes.js';
import { LineChart } from '../../src/report/line-chart.js';
import { ScatterPlot } from '../../src/report/scatter-plot.js';

describe('LineChart', () => {
  const chart = renderToString(
    h(LineChart, {
      title: 'Open set',
      description: 'Loss falls.',
      series: [
        {
          name: 'a',
          points: [
            [0, 0],
            [0.5, NaN],
            [1, 1],
          ],
          band: [
            [0, 0, 0.2],
            [1, 0.8, 1],
          ],
        },
        {
          name: 'b',
          points: [
            [0, 1],
            [1, 0],
          ],
          marks: [{ x: 1, y: 0, label: 'here' }],
        },
      ],
      x: { label: 'false acceptance' },
      y: { label: 'loss' },
      width: 480,
      height: 258,
    }),
  );

  it('places points by its scales, and breaks a line where a value is missing', () => {
    // x from 64 to 464, y from 212 up to 12.
    expect(chart).toContain('d="M64.0,212.0M464.0,12.0"');
    expect(chart).toContain('d="M64.0,12.0L464.0,212.0"');
    expect(chart).toContain('points="64.0,212.0 464.0,52.0 464.0,12.0 64.0,172.0"');
  });

  it('has a name and a description, and tells series apart without colour', () => {
    expect(chart).toContain('role="img" aria-label="Open set"');
    expect(chart).toContain('<desc>Loss falls.</desc>');
    expect(chart).toContain('stroke-dasharray="7 3"');
    expect(chart).toContain('here</text>');
  });

  it('draws nothing out of nothing', () => {
    const empty = renderToString(h(LineChart, { title: 'None', series: [], x: { label: 'x' }, y: { label: 'y' } }));
    expect(empty).not.toContain('NaN');
  });
});

describe('BarChart', () => {
  it('draws bars from zero with their interval and note', () => {
    const chart = renderToString(
      h(BarChart, {
        title: 'Recall',
        axis: 'recall@1',
        max: 1,
        bars: [
          { label: 'cecum', values: [{ value: 0.5, interval: [0.25, 0.75] }], note: 'n = 12' },
          { label: 'ileum', values: [{ value: NaN }] },
        ],
      }),
    );
    const [, x, width] = /<rect x="([\d.]+)" y="7" width="([\d.]+)"/.exec(chart) ?? [];
    const [, lower, upper] = /d="M([\d.]+),9v7m0,-3.5H([\d.]+)/.exec(chart) ?? [];
    expect((Number(lower) + Number(upper)) / 2).toBeCloseTo(Number(x) + Number(width), 6);
    expect(Number(upper) - Number(lower)).toBeCloseTo(Number(width), 6);
    expect(chart).toContain('n = 12');
    expect(chart).toContain('cecum: 0.5, 95 % 0.25 – 0.75');
    expect(chart.match(/<rect/g)).toHaveLength(1);
  });
});

describe('HeatMap', () => {
  it('colours a row by its shares and leaves zero cells empty', () => {
    const map = renderToString(
      h(HeatMap, {
        title: 'Confusion',
        rowAxis: 'truth',
        columnAxis: 'answer',
        rows: ['a', 'b'],
        columns: ['a', 'b'],
        values: [
          [3, 1],
          [0, 0],
        ],
      }),
    );
    expect(map).toContain('rgba(var(--heat),0.760)');
    expect(map).toContain('a → b: 1 of 4');
    expect(map).not.toContain('NaN');
    expect(map.match(/text-anchor="middle" pointer-events="none"/g)).toHaveLength(2);
  });
});

describe('ScatterPlot and Lanes', () => {
  it('puts points where their values are, even a single one', () => {
    const plot = renderToString(h(ScatterPlot, { title: 'Map', points: [{ x: 2, y: 2, label: 'one' }], width: 100, height: 60 }));
    expect(plot).toContain('translate(50.0 30.0)');
    expect(plot).toContain('<title>one</title>');
  });

  it('draws intervals and moments on a common time', () => {
    const lanes = renderToString(
      h(Lanes, {
        title: 'Timeline',
        from: 0,
        to: 100,
        axis: 's',
        width: 520,
        lanes: [{ name: 'pylorus', intervals: [{ start: 50, end: 100 }], marks: [{ at: 100, label: 'still' }] }],
      }),
    );
    const [, x, width] = /<rect x="([\d.]+)" y="11" width="([\d.]+)"/.exec(lanes) ?? [];
    expect(Number(x) + Number(width)).toBeCloseTo(500, 6);
    expect(lanes).toContain('M500,10l6,8');
    expect(lanes).toContain('<title>still</title>');
  });
});
