import { join } from 'node:path';
import { overviewCsv } from './overview-csv.js';
import { overviewPage, type OverviewPageOptions } from './overview-page.js';
import type { Overview } from './overview.js';
import { writeWhole } from './write-whole.js';

/** Writes `overview.html`, `overview.json` and `overview.csv`; resolves with their paths. @throws ProcedureError `report-write` */
export async function writeOverview(overview: Overview, out: string, options: OverviewPageOptions): Promise<readonly string[]> {
  const files: [string, string][] = [
    ['overview.html', overviewPage(overview, options)],
    ['overview.json', `${JSON.stringify(overview, null, 2)}\n`],
    ['overview.csv', overviewCsv(overview)],
  ];
  const written: string[] = [];
  for (const [name, text] of files) {
    const file = join(out, name);
    await writeWhole(file, text);
    written.push(file);
  }
  return written;
}
