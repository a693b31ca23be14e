import { Axes, type Axis } from './axes.js';
import { Chart, type ChartText } from './chart.js';
import { Legend, seriesClass, seriesDash } from './legend.js';
import { extent, linearScale } from './scale.js';

export interface LineSeries {
  readonly name: string;
  /** `[x, y]` in drawing order; a NaN interrupts the line. */
  readonly points: readonly (readonly [x: number, y: number])[];
  /** `[x, lower, upper]`: an interval drawn as a band behind the line. */
  readonly band?: readonly (readonly [x: number, lower: number, upper: number])[];
  /** Points that are marked and named. */
  readonly marks?: readonly { readonly x: number; readonly y: number; readonly label: string }[];
}

export interface LineChartProps extends ChartText {
  readonly series: readonly LineSeries[];
  readonly x: Axis;
  readonly y: Axis;
  readonly width?: number;
  readonly height?: number;
}

/** One or several curves over a common x. */
export function LineChart({ series, x, y, width = 720, height = 340, ...text }: LineChartProps) {
  const area = { left: 64, right: width - 16, top: 12, bottom: height - 46 };
  const xs = extent(series.flatMap(({ points }) => points.map(([at]) => at)));
  const ys = extent(
    series.flatMap(({ points, band = [] }) => [...points.map(([, at]) => at), ...band.flatMap(([, low, high]) => [low, high])]),
  );
  const scaleX = linearScale([x.min ?? xs[0], x.max ?? xs[1]], [area.left, area.right]);
  const scaleY = linearScale([y.min ?? ys[0], y.max ?? ys[1]], [area.bottom, area.top]);
  const place = (atX: number, atY: number): string => `${scaleX(atX).toFixed(1)},${scaleY(atY).toFixed(1)}`;
  return (
    <div>
      <Legend names={series.map(({ name }) => name)} shape="line" />
      <Chart {...text} width={width} height={height}>
        <Axes x={x} y={y} scaleX={scaleX} scaleY={scaleY} area={area} />
        {series.map(({ name, points, band = [], marks = [] }, at) => (
          <g class={seriesClass(at)}>
            {band.length === 0 ? null : (
              <polygon
                points={[...band.map(([atX, low]) => place(atX, low)), ...band.toReversed().map(([atX, , high]) => place(atX, high))].join(
                  ' ',
                )}
                fill="var(--series)"
                opacity="0.18"
              />
            )}
            <path d={pathOf(points, place)} fill="none" stroke="var(--series)" stroke-width="2" stroke-dasharray={seriesDash(at)}>
              <title>{name}</title>
            </path>
            {marks.map((mark) => (
              <>
                <circle cx={scaleX(mark.x)} cy={scaleY(mark.y)} r="4.5" fill="var(--series)" />
                <text
                  x={scaleX(mark.x) + (scaleX(mark.x) > width * 0.7 ? -8 : 8)}
                  y={scaleY(mark.y) - 8}
                  text-anchor={scaleX(mark.x) > width * 0.7 ? 'end' : 'start'}
                >
                  {mark.label}
                </text>
              </>
            ))}
          </g>
        ))}
      </Chart>
    </div>
  );
}

function pathOf(points: LineSeries['points'], place: (x: number, y: number) => string): string {
  let pen = 'M';
  return points
    .map(([x, y]) => {
      if (!Number.isFinite(x) || !Number.isFinite(y)) {
        pen = 'M';
        return '';
      }
      const step = `${pen}${place(x, y)}`;
      pen = 'L';
      return step;
    })
    .join('');
}
