import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { messageOf, ProcedureError } from '../../common/errors.js';
import { isProcedureId, procedureFolder } from '../paths.js';
import { overviewOf, type Overview, type OverviewPart } from './overview.js';
import { writeOverview } from './write-overview.js';
import { writeReport, type WriteReportOptions } from './write-report.js';

const OVERVIEW = z.object({
  format: z.literal('lumenmark-overview'),
  procedures: z.array(z.object({ id: z.string().refine(isProcedureId), name: z.string(), link: z.string().nullable() })).min(1),
  failed: z.array(z.object({ name: z.string(), reason: z.string() })),
});

export interface RemakeOverviewOptions extends Pick<WriteReportOptions, 'ownKey'> {
  /** Home that the procedures are kept in. */
  readonly home: string;
  /** Of the overview; default now. */
  readonly at?: Date;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Makes an overview and the reports that it links to anew, from the procedures as they are now: with what was corrected since. A procedure
 * that is no longer kept is listed among those that failed.
 * @throws ProcedureError `overview-missing`, `overview-empty`
 */
export async function remakeOverview(
  folder: string,
  { home, ownKey = null, at = new Date(), onProgress }: RemakeOverviewOptions,
): Promise<{ readonly overview: Overview; readonly files: readonly string[] }> {
  const before = await readOverview(folder);
  const parts: OverviewPart[] = [];
  const failed = [...before.failed];
  for (const [done, { id, name, link }] of before.procedures.entries()) {
    onProgress?.(done, before.procedures.length);
    // Reports lie in folders named after the procedures beside the overview, or with the procedures themselves.
    const beside = link === `${id}/report.html`;
    try {
      const { report } = await writeReport(procedureFolder(home, id), { ownKey });
      if (beside) await writeReport(procedureFolder(home, id), { ownKey, out: join(folder, id) });
      parts.push({ report, name, link });
    } catch (error) {
      if (!(error instanceof ProcedureError) || error.code !== 'procedure-missing') throw error;
      failed.push({ name, reason: 'is no longer kept here' });
    }
  }
  if (parts.length === 0) {
    throw new ProcedureError('overview-empty', `${folder}: none of its ${before.procedures.length} procedures is kept here any more`, {
      remedy: 'Set LUMENMARK_HOME to where they are kept, or audit the photographs again.',
    });
  }
  const overview = overviewOf(parts, failed);
  return { overview, files: await writeOverview(overview, folder, { at }) };
}

async function readOverview(folder: string): Promise<z.output<typeof OVERVIEW>> {
  const file = join(folder, 'overview.json');
  try {
    return OVERVIEW.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new ProcedureError('overview-missing', `${file}: is no overview (${messageOf(error).split('\n', 1)[0] ?? ''})`, {
      remedy: 'Name the folder that “lumenmark audit” said it wrote the overview to.',
      cause: error,
    });
  }
}
