import { ValueAxis } from './axes.js';
import { Chart, type ChartText } from './chart.js';
import { Legend, seriesClass } from './legend.js';
import { extent, linearScale, plainNumber } from './scale.js';
import { fitted, textWidth } from './text-width.js';

export interface BarValue {
  readonly value: number;
  /** Drawn as a whisker. */
  readonly interval?: readonly [lower: number, upper: number];
}

export interface Bar {
  readonly label: string;
  /** One per series. NaN: no bar. */
  readonly values: readonly BarValue[];
  /** Stands at the right end, e.g. `n = 12`. */
  readonly note?: string;
}

export interface BarChartProps extends ChartText {
  readonly bars: readonly Bar[];
  /** Names of the values of a bar; needed for more than one. */
  readonly series?: readonly string[];
  readonly axis: string;
  readonly min?: number;
  readonly max?: number;
  readonly format?: (value: number) => string;
  readonly width?: number;
}

const THICK = 13;
const GAP = 10;

/** Horizontal bars, so that their names can be read, with intervals as whiskers. */
export function BarChart({ bars, series = [''], axis, min = 0, max, format = plainNumber, width = 720, ...text }: BarChartProps) {
  const left = Math.min(width * 0.4, Math.max(40, ...bars.map(({ label }) => textWidth(label))) + 12);
  const notes = Math.max(0, ...bars.map(({ note }) => (note === undefined ? 0 : textWidth(note) + 10)));
  const right = width - notes - 12;
  const rowHeight = series.length * THICK + GAP;
  const bottom = 6 + bars.length * rowHeight;
  const largest = extent(bars.flatMap(({ values }) => values.flatMap(({ value, interval }) => [value, interval?.[1] ?? value])))[1];
  const scale = linearScale([min, max ?? Math.max(largest, min)], [left, right]);
  return (
    <div>
      <Legend names={series} shape="box" />
      <Chart {...text} width={width} height={bottom + 44}>
        <ValueAxis axis={axis} scale={scale} format={format} left={left} right={right} bottom={bottom} />
        {bars.map(({ label, values, note }, row) => {
          const top = 6 + row * rowHeight;
          const middle = top + (series.length * THICK) / 2;
          return (
            <g>
              <text x={left - 8} y={middle + 4} text-anchor="end">
                {fitted(label, left - 12)}
                <title>{label}</title>
              </text>
              {values.map((one, at) =>
                Number.isFinite(one.value) ? (
                  <OneBar {...one} name={label} at={at} top={top + at * THICK} scale={scale} format={format} />
                ) : null,
              )}
              {note === undefined ? null : (
                <text class="tick" x={width} y={middle + 4} text-anchor="end">
                  {note}
                </text>
              )}
            </g>
          );
        })}
        <line class="axis" x1={scale(min)} x2={scale(min)} y1={4} y2={bottom} />
      </Chart>
    </div>
  );
}

interface OneBarProps extends BarValue {
  readonly name: string;
  readonly at: number;
  readonly top: number;
  readonly scale: (value: number) => number;
  readonly format: (value: number) => string;
}

function OneBar({ value, interval, name, at, top, scale, format }: OneBarProps) {
  const [from, to] = [scale(0), scale(value)];
  const range = interval === undefined ? '' : `, 95 % ${format(interval[0])} – ${format(interval[1])}`;
  return (
    <g class={seriesClass(at)}>
      <rect x={Math.min(from, to)} y={top + 1} width={Math.abs(to - from)} height={THICK - 2} fill="var(--series)" opacity="0.75">
        <title>{`${name}: ${format(value)}${range}`}</title>
      </rect>
      {interval === undefined ? null : (
        <path
          d={`M${scale(interval[0])},${top + THICK / 2 - 3.5}v7m0,-3.5H${scale(interval[1])}m0,-3.5v7`}
          fill="none"
          stroke="var(--ink)"
          stroke-width="1.4"
        />
      )}
    </g>
  );
}
