import { parse } from 'csv-parse/sync';
import { messageOf, UsageError } from './errors.js';

/** A table as its file says it: every value is text. */
export interface CsvTable {
  readonly columns: readonly string[];
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/**
 * Reads comma-, semicolon- or tab-separated text with a header line; which of them, the header tells. Lines may be shorter than the
 * header, the rest is then empty.
 * @param name What to call the table in errors.
 * @param required Columns without which it is of no use.
 * @throws UsageError `csv` when it is no table, `csv-columns` when columns are missing.
 */
export function parseCsv(text: string, name: string, required: readonly string[] = []): CsvTable {
  const header = text.replace(/^\uFEFF/, '').split(/\r?\n/, 1)[0] ?? '';
  const delimiter = [',', ';', '\t'].reduce((best, next) => (header.split(next).length > header.split(best).length ? next : best));
  let lines: string[][];
  try {
    lines = parse(text, { delimiter, bom: true, trim: true, skipEmptyLines: true, relaxColumnCount: true, relaxQuotes: true });
  } catch (error) {
    throw new UsageError('csv', `${name}: is no table (${messageOf(error)})`, {
      remedy: 'It must be text with a header line and one record a line, separated by commas, semicolons or tabs.',
      cause: error,
    });
  }
  const [columns = [], ...records] = lines;
  const missing = required.filter((column) => !columns.includes(column));
  if (missing.length > 0) {
    throw new UsageError('csv-columns', `${name}: has no column ${missing.map((column) => `“${column}”`).join(', ')}`, {
      remedy: `It has ${columns.map((column) => `“${column}”`).join(', ') || 'no columns at all'}.`,
    });
  }
  return { columns, rows: records.map((record) => Object.fromEntries(columns.map((column, at) => [column, record[at] ?? '']))) };
}
