/** What a cell holds; null and undefined are empty. */
export type CsvCell = string | number | boolean | null | undefined;

/** Text that a spreadsheet would take for a formula when it opens the file (OWASP, CSV injection). */
const FORMULA = /^[=+\-@\t\r]/;

/**
 * A table as CSV (RFC 4180) with a header line. Text that begins like a formula gets an apostrophe before it, so that names of files and
 * labels from elsewhere cannot compute or fetch anything; numbers stay numbers.
 */
export function csvText(columns: readonly string[], rows: readonly (readonly CsvCell[])[]): string {
  return [columns, ...rows].map((row) => `${row.map(cellText).join(',')}\r\n`).join('');
}

function cellText(cell: CsvCell): string {
  if (cell === null || cell === undefined) return '';
  if (typeof cell !== 'string') return String(cell);
  const safe = FORMULA.test(cell) ? `'${cell}` : cell;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
