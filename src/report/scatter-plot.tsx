import { Axes, type Axis } from './axes.js';
import { Chart, type ChartText } from './chart.js';
import { Legend, seriesClass, seriesShape } from './legend.js';
import { extent, linearScale } from './scale.js';

export interface ScatterPoint {
  readonly x: number;
  readonly y: number;
  /** Position in `series`. Default 0. */
  readonly series?: number;
  /** Tooltip. */
  readonly label?: string;
  /** Drawn larger, with a ring. */
  readonly marked?: boolean;
}

export interface ScatterPlotProps extends ChartText {
  readonly points: readonly ScatterPoint[];
  readonly series?: readonly string[];
  /** Absent: the axes mean nothing, as on a map of embeddings, and are not drawn. */
  readonly x?: Axis;
  readonly y?: Axis;
  readonly width?: number;
  readonly height?: number;
}

export function ScatterPlot({ points, series = [''], x, y, width = 720, height = 520, ...text }: ScatterPlotProps) {
  const named = x !== undefined && y !== undefined;
  const area = named
    ? { left: 64, right: width - 16, top: 12, bottom: height - 46 }
    : { left: 10, right: width - 10, top: 10, bottom: height - 10 };
  const xs = extent(points.map((point) => point.x));
  const ys = extent(points.map((point) => point.y));
  const scaleX = linearScale([x?.min ?? xs[0], x?.max ?? xs[1]], [area.left, area.right]);
  const scaleY = linearScale([y?.min ?? ys[0], y?.max ?? ys[1]], [area.bottom, area.top]);
  return (
    <div>
      <Legend names={series} shape="dot" />
      <Chart {...text} width={width} height={height}>
        {named ? <Axes x={x} y={y} scaleX={scaleX} scaleY={scaleY} area={area} /> : null}
        {points.map((point) => {
          const { series: of = 0, label, marked = false } = point;
          return (
            <path
              class={seriesClass(of)}
              d={seriesShape(of)}
              transform={`translate(${scaleX(point.x).toFixed(1)} ${scaleY(point.y).toFixed(1)})${marked ? ' scale(1.5)' : ''}`}
              fill="var(--series)"
              fill-opacity={marked ? 1 : 0.7}
              stroke={marked ? 'var(--ink)' : 'none'}
            >
              {label === undefined ? null : <title>{label}</title>}
            </path>
          );
        })}
      </Chart>
    </div>
  );
}
