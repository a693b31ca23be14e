/** Control characters and those that turn the direction of writing: a name from elsewhere must not move the cursor or hide what is beside it. */
const UNPRINTABLE = /[\p{Cc}\u2028-\u202e\u2066-\u2069]+/gu;

/** Text of people, or from elsewhere, as one line that a terminal prints as it is. */
export function oneLine(text: string): string {
  return text.replace(UNPRINTABLE, ' ');
}

/** Lines of a table for a terminal: numbers to the right, text to the left, two spaces between columns. */
export function tableLines(header: readonly string[], rows: readonly (readonly (string | number)[])[]): string[] {
  const text = rows.map((row) => row.map((cell) => oneLine(String(cell))));
  const numeric = header.map((_, column) => rows.length > 0 && rows.every((row) => typeof row[column] === 'number'));
  const widths = header.map((name, column) => Math.max(name.length, ...text.map((row) => row[column]?.length ?? 0)));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => (numeric[column] === true ? cell.padStart(widths[column] ?? 0) : cell.padEnd(widths[column] ?? 0)))
      .join('  ')
      .trimEnd();
  return [line(header), ...text.map(line)];
}

export function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
