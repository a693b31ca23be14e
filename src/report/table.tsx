import type { ComponentChild } from 'preact';
import type { Tone } from './tone.js';

export interface Column {
  readonly title: ComponentChild;
  /** Numbers stand at the right, so that their digits compare. Default `text`. */
  readonly align?: 'text' | 'number';
}

export interface Row {
  readonly cells: readonly ComponentChild[];
  readonly tone?: Tone;
}

export interface TableProps {
  readonly caption?: ComponentChild;
  /** A string is a column of text. */
  readonly columns: readonly (string | Column)[];
  /** The first cell names its row. */
  readonly rows: readonly (Row | readonly ComponentChild[])[];
  /** Said in place of rows. */
  readonly empty?: string;
}

export function Table({ caption, columns, rows, empty = 'None.' }: TableProps) {
  const heads = columns.map((column): Column => (typeof column === 'string' ? { title: column } : column));
  const classOf = (at: number): string | undefined => (heads[at]?.align === 'number' ? 'number' : undefined);
  return (
    <div class="table">
      <table>
        {caption === undefined ? null : <caption>{caption}</caption>}
        <thead>
          <tr>
            {heads.map(({ title }, at) => (
              <th scope="col" class={classOf(at)}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const { cells, tone } = 'cells' in row ? row : { cells: row, tone: undefined };
            return (
              <tr data-tone={tone}>
                {cells.map((cell, at) =>
                  at === 0 ? (
                    <th scope="row" class={classOf(at)}>
                      {cell}
                    </th>
                  ) : (
                    <td class={classOf(at)}>{cell}</td>
                  ),
                )}
              </tr>
            );
          })}
          {rows.length === 0 ? (
            <tr data-tone="dim">
              <td colSpan={heads.length}>{empty}</td>
            </tr>
          ) : null}
        </tbody>
      </table>
    </div>
  );
}
