import { plainNumber, type Scale } from './scale.js';

export interface Axis {
  /** With its unit. */
  readonly label: string;
  /** Default: the range of what is drawn. */
  readonly min?: number;
  readonly max?: number;
  /** Default: up to four significant digits. */
  readonly format?: (value: number) => string;
}

export interface PlotArea {
  readonly left: number;
  readonly right: number;
  readonly top: number;
  readonly bottom: number;
}

/** Grid, ticks and name of a value axis below rows: bars, lanes. */
export function ValueAxis({ axis, scale, format, left, right, bottom }: ValueAxisProps) {
  return (
    <g aria-hidden="true">
      {scale.ticks.map((tick) => (
        <>
          <line class="grid" x1={scale(tick)} x2={scale(tick)} y1={4} y2={bottom} />
          <text class="tick" x={scale(tick)} y={bottom + 16} text-anchor="middle">
            {format(tick)}
          </text>
        </>
      ))}
      <text x={(left + right) / 2} y={bottom + 36} text-anchor="middle">
        {axis}
      </text>
    </g>
  );
}

interface ValueAxisProps {
  /** Its name, with its unit. */
  readonly axis: string;
  readonly scale: Scale;
  readonly format: (value: number) => string;
  readonly left: number;
  readonly right: number;
  readonly bottom: number;
}

/** Grid, ticks and names of both axes of a plot. */
export function Axes({ x, y, scaleX, scaleY, area }: { x: Axis; y: Axis; scaleX: Scale; scaleY: Scale; area: PlotArea }) {
  const { left, right, top, bottom } = area;
  return (
    <g aria-hidden="true">
      {scaleY.ticks.map((tick) => (
        <>
          <line class="grid" x1={left} x2={right} y1={scaleY(tick)} y2={scaleY(tick)} />
          <text class="tick" x={left - 8} y={scaleY(tick) + 4} text-anchor="end">
            {(y.format ?? plainNumber)(tick)}
          </text>
        </>
      ))}
      {scaleX.ticks.map((tick) => (
        <>
          <line class="axis" x1={scaleX(tick)} x2={scaleX(tick)} y1={bottom} y2={bottom + 5} />
          <text class="tick" x={scaleX(tick)} y={bottom + 18} text-anchor="middle">
            {(x.format ?? plainNumber)(tick)}
          </text>
        </>
      ))}
      <line class="axis" x1={left} x2={right} y1={bottom} y2={bottom} />
      <line class="axis" x1={left} x2={left} y1={top} y2={bottom} />
      <text x={(left + right) / 2} y={bottom + 38} text-anchor="middle">
        {x.label}
      </text>
      <text transform={`translate(14 ${(top + bottom) / 2}) rotate(-90)`} text-anchor="middle">
        {y.label}
      </text>
    </g>
  );
}
