import { Chart, type ChartText } from './chart.js';
import { plainNumber } from './scale.js';
import { fitted, textWidth } from './text-width.js';

export interface HeatMapProps extends ChartText {
  readonly rows: readonly string[];
  readonly columns: readonly string[];
  /** `[row][column]`. */
  readonly values: readonly (readonly number[])[];
  /** What a full colour stands for: the sum of the row (a confusion matrix; default) or the largest value. */
  readonly relativeTo?: 'row' | 'largest';
  readonly rowAxis: string;
  readonly columnAxis: string;
  readonly format?: (value: number) => string;
  /** Outlines the cells whose row and column carry one name. Default true. */
  readonly diagonal?: boolean;
}

/** Cells coloured by their value and carrying it, e.g. a confusion matrix. */
export function HeatMap({
  rows,
  columns,
  values,
  relativeTo = 'row',
  rowAxis,
  columnAxis,
  format = plainNumber,
  diagonal = true,
  ...text
}: HeatMapProps) {
  const side = columns.length > 24 ? 22 : columns.length > 12 ? 28 : 38;
  const left = Math.min(220, Math.max(40, ...rows.map(textWidth)) + 34);
  const top = Math.min(150, Math.max(40, ...columns.map((name) => textWidth(name) * 0.75)) + 34);
  const width = left + columns.length * side + 60;
  const height = top + rows.length * side + 10;
  const largest = Math.max(0, ...values.flat());
  return (
    <Chart {...text} width={width} height={height}>
      <text transform={`translate(12 ${top + (rows.length * side) / 2}) rotate(-90)`} text-anchor="middle">
        {rowAxis}
      </text>
      <text x={left + (columns.length * side) / 2} y={13} text-anchor="middle">
        {columnAxis}
      </text>
      {columns.map((name, column) => (
        <text class="tick" transform={`translate(${left + (column + 0.6) * side} ${top - 6}) rotate(-45)`}>
          {fitted(name, 160)}
          <title>{name}</title>
        </text>
      ))}
      {rows.map((name, row) => {
        const cells = values[row] ?? [];
        const whole = relativeTo === 'row' ? cells.reduce((sum, value) => sum + value, 0) : largest;
        return (
          <g>
            <text class="tick" x={left - 6} y={top + (row + 0.5) * side + 4} text-anchor="end">
              {fitted(name, left - 30)}
              <title>{name}</title>
            </text>
            {columns.map((other, column) => {
              const value = cells[column] ?? 0;
              const share = whole > 0 ? Math.max(0, value / whole) : 0;
              const [x, y] = [left + column * side, top + row * side];
              return (
                <g>
                  <rect
                    x={x}
                    y={y}
                    width={side - 1}
                    height={side - 1}
                    style={{ fill: `rgba(var(--heat),${(0.04 + 0.96 * share).toFixed(3)})` }}
                    stroke={diagonal && name === other ? 'var(--ink)' : 'none'}
                  >
                    <title>{`${name} → ${other}: ${format(value)}${relativeTo === 'row' && whole > 0 ? ` of ${format(whole)}` : ''}`}</title>
                  </rect>
                  {value === 0 ? null : (
                    <text
                      x={x + side / 2}
                      y={y + side / 2 + 4}
                      text-anchor="middle"
                      pointer-events="none"
                      style={{ fontSize: side < 28 ? '10px' : '12px', ...(share > 0.7 ? { fill: 'var(--paper)' } : {}) }}
                    >
                      {format(value)}
                    </text>
                  )}
                </g>
              );
            })}
          </g>
        );
      })}
    </Chart>
  );
}
