import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { CLASSES } from '../common/landmarks.js';
import { ProcedureError } from '../common/errors.js';
import { createAmender } from '../procedure/amend.js';
import { checklistOf } from '../procedure/final-coverage.js';
import { ownPublicKey, type InstallationKey } from '../procedure/key.js';
import { DERIVED_FILES, isProcedureId, procedureFolder } from '../procedure/paths.js';
import { photographsOfJournal } from '../procedure/photographs/documentation.js';
import { readProcedure, type Procedure } from '../procedure/reader.js';
import { writeReport } from '../procedure/report/write-report.js';
import type { PhotographsAnswer } from './photograph-protocol.js';
import { photographsAnswer } from './photographs-answer.js';
import { HttpError } from './problem.js';
import { readJson, type Route, type RouteContext } from './router.js';
import { sendFile } from './send-file.js';

const assignmentBody = z.strictObject({
  file: z.string().max(500),
  landmark: z.string().min(1).max(200).nullable(),
  reason: z.string().trim().min(1, 'must say why').max(1000),
  by: z.string().trim().min(1, 'must name who says so').max(200),
});

/** Pictures that an audit writes; no other path of a request becomes a path of the disk. */
const PICTURE = /^(photographs\/\d{4,9}|evidence\/\d{1,9})\.jpg$/;
const REPORT_TYPES: Readonly<Record<string, string>> = {
  'report.html': 'text/html; charset=utf-8',
  'report.json': 'application/json',
  'report.csv': 'text/csv; charset=utf-8',
};
/** A report brings its style and its pictures with it, and no script. */
const REPORT_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'";

export interface PhotographRoutesOptions {
  readonly home: string;
  /** With which corrections are sealed; null where this program may not write to the home, which is then only read. */
  readonly key: InstallationKey | null;
}

/**
 * Audited photographs, their correction, and the report of any procedure. A correction is a sealed line after the closing of the procedure:
 * it never changes what the machine said.
 */
export function photographRoutes({ home, key }: PhotographRoutesOptions): Route[] {
  const amender = key === null ? null : createAmender(key);
  const procedureOf = async ({ params }: RouteContext): Promise<Procedure> => readProcedure(folderOf(home, params['id'] ?? ''));

  return [
    {
      method: 'GET',
      pattern: '/api/procedures/:id/photographs',
      handler: async (context): Promise<PhotographsAnswer> => photographsAnswer(await withPhotographs(procedureOf(context))),
    },
    {
      method: 'POST',
      pattern: '/api/procedures/:id/assignments',
      handler: async (context): Promise<PhotographsAnswer> => {
        if (amender === null) {
          throw new HttpError(409, 'procedures-off', 'This server may not write to the kept procedures.', {
            remedy: 'Another program may be using their folder: the server said so when it started.',
          });
        }
        const { file, landmark, reason, by } = await readJson(context.request, assignmentBody);
        const procedure = await withPhotographs(procedureOf(context));
        const photograph = photographsOfJournal(procedure.entries).find(({ picture }) => picture === file);
        if (photograph === undefined) throw new HttpError(404, 'no-photograph', `There is no photograph ${file} in this procedure.`);
        if (landmark !== null && !isLandmark(landmark, procedure)) {
          throw new HttpError(400, 'no-landmark', `${landmark}: is no landmark of the gallery or the checklist`);
        }
        const { counts, mayShow } = photograph;
        await amender.amend(procedure.folder, { type: 'assignment', file, from: counts ?? mayShow, to: landmark, reason, by });
        // They say what was before; they are made anew when somebody asks.
        await Promise.all([...DERIVED_FILES, 'derived/photographs.csv'].map((name) => rm(join(procedure.folder, name), { force: true })));
        return photographsAnswer(await readProcedure(procedure.folder));
      },
    },
    {
      method: 'GET',
      pattern: '/api/procedures/:id/pictures/*',
      handler: async (context) => {
        const name = context.params['*'] ?? '';
        if (!PICTURE.test(name)) throw new HttpError(404, 'no-picture', 'There is no such picture.');
        const file = join(folderOf(home, context.params['id'] ?? ''), name);
        await sendFile(context, file, { contentType: 'image/jpeg', cacheControl: 'private, max-age=3600' });
      },
    },
    {
      method: 'GET',
      pattern: '/api/procedures/:id/report/:file',
      handler: async (context) => {
        const name = context.params['file'] ?? '';
        const contentType = REPORT_TYPES[name];
        if (contentType === undefined) throw new HttpError(404, 'no-report', `A report is one of ${Object.keys(REPORT_TYPES).join(', ')}.`);
        const { folder, id } = await procedureOf(context);
        await writeReport(folder, { ownKey: key?.publicKey ?? (await ownPublicKey(home)) });
        if (name === 'report.html') context.response.setHeader('Content-Security-Policy', REPORT_POLICY);
        await sendFile(context, join(folder, name), {
          contentType,
          cacheControl: 'no-store',
          ...(name === 'report.html' ? {} : { downloadAs: `${id}-${name}` }),
        });
      },
    },
  ];
}

function folderOf(home: string, id: string): string {
  if (isProcedureId(id)) return procedureFolder(home, id);
  throw new HttpError(404, 'procedure-unknown', `There is no procedure "${id.slice(0, 60)}".`);
}

async function withPhotographs(read: Promise<Procedure>): Promise<Procedure> {
  const procedure = await read.catch((error: unknown) => {
    if (!(error instanceof ProcedureError) || error.code !== 'procedure-missing') throw error;
    throw new HttpError(404, 'procedure-unknown', 'There is no such procedure.', { cause: error });
  });
  if (procedure.description.kind === 'photographs') return procedure;
  throw new HttpError(409, 'no-photographs', 'This procedure was recorded; it has no photographs.');
}

function isLandmark(label: string, procedure: Procedure): boolean {
  return (
    procedure.description.gallery.labels.includes(label) ||
    checklistOf(procedure).sites.some(({ landmarks }) => landmarks.includes(label)) ||
    CLASSES.some(({ id, kind }) => id === label && kind === 'landmark')
  );
}
