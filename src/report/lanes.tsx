import { ValueAxis } from './axes.js';
import { Chart, type ChartText } from './chart.js';
import { seriesClass } from './legend.js';
import { linearScale, plainNumber } from './scale.js';
import { fitted, textWidth } from './text-width.js';

export interface LaneInterval {
  readonly start: number;
  readonly end: number;
  /** Tooltip. */
  readonly label?: string;
  /** 0…1: how strongly it is drawn, e.g. a confidence. Default 1. */
  readonly strength?: number;
}

export interface LaneMark {
  readonly at: number;
  readonly label?: string;
}

export interface Lane {
  readonly name: string;
  readonly intervals?: readonly LaneInterval[];
  /** Moments, drawn as diamonds. */
  readonly marks?: readonly LaneMark[];
  /** Position in the colours of series; default 0. */
  readonly series?: number;
}

export interface LanesProps extends ChartText {
  readonly lanes: readonly Lane[];
  readonly from: number;
  readonly to: number;
  /** With its unit. */
  readonly axis: string;
  readonly format?: (value: number) => string;
  readonly width?: number;
}

const HEIGHT = 24;

/** A timeline: a lane per landmark or site with what happened there and when. */
export function Lanes({ lanes, from, to, axis, format = plainNumber, width = 860, ...text }: LanesProps) {
  const left = Math.min(width * 0.34, Math.max(40, ...lanes.map(({ name }) => textWidth(name))) + 12);
  const bottom = 6 + lanes.length * HEIGHT;
  const scale = linearScale([from, to], [left, width - 20], 8);
  return (
    <Chart {...text} width={width} height={bottom + 44}>
      <ValueAxis axis={axis} scale={scale} format={format} left={left} right={width} bottom={bottom} />
      {lanes.map(({ name, intervals = [], marks = [], series = 0 }, row) => {
        const top = 6 + row * HEIGHT;
        return (
          <g class={seriesClass(series)}>
            <line class="grid" x1={0} x2={width - 20} y1={top + HEIGHT} y2={top + HEIGHT} />
            <text x={left - 8} y={top + HEIGHT / 2 + 4} text-anchor="end">
              {fitted(name, left - 12)}
              <title>{name}</title>
            </text>
            {intervals.map(({ start, end, label, strength = 1 }) => (
              <rect
                x={scale(start)}
                y={top + 5}
                width={Math.max(1.5, scale(end) - scale(start))}
                height={HEIGHT - 10}
                rx="2"
                fill="var(--series)"
                opacity={0.25 + 0.65 * Math.min(1, Math.max(0, strength))}
              >
                <title>{label ?? `${name}: ${format(start)} – ${format(end)}`}</title>
              </rect>
            ))}
            {marks.map(({ at, label }) => (
              <path d={`M${scale(at)},${top + 4}l6,8l-6,8l-6,-8z`} fill="var(--paper)" stroke="var(--ink)" stroke-width="1.6">
                <title>{label ?? `${name}: ${format(at)}`}</title>
              </path>
            ))}
          </g>
        );
      })}
      <line class="axis" x1={left} x2={width - 20} y1={bottom} y2={bottom} />
    </Chart>
  );
}
