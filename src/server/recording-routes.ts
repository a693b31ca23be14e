import { z } from 'zod';
import { HttpError } from './problem.js';
import { readJson, type Route, type RouteContext } from './router.js';
import type { CaptureRequest, ProcedureControl, SessionController, StartProcedureRequest } from './session.js';

const person = z.string().trim().min(1).max(200);
const reason = z.string().trim().min(1, 'must say why').max(1000);
const PREFIX = '/api/procedures/:id';

const startBody = z.strictObject({
  sourceId: z.string().max(200).optional(),
  label: z.string().trim().max(500).optional(),
  checklistId: z.string().min(1).max(200).optional(),
  operator: person.optional(),
});
const captureBody = z.strictObject({
  frameId: z.number().int().nonnegative().optional(),
  ptsUs: z.number().nonnegative().optional(),
  by: person.optional(),
});
const siteBody = z.strictObject({ state: z.enum(['unseen', 'seen', 'documented']).nullable(), reason, by: person.optional() });
const noteBody = z.strictObject({ text: z.string().trim().min(1, 'must not be empty').max(4000), by: person.optional() });
const pauseBody = z.strictObject({ reason: reason.nullable().optional(), by: person.optional() });
const byBody = z.strictObject({ by: person.optional() });

/** Absent fields are left out, as `exactOptionalPropertyTypes` wants it. */
function given<T>(fields: { [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as T;
}

/** Starts, marks and ends procedures while they are examined; see `ProcedureControl`. */
export function recordingRoutes(controller: SessionController): Route[] {
  const control = (): ProcedureControl => {
    if (controller.procedures !== null) return controller.procedures;
    throw new HttpError(409, 'procedures-off', 'This server keeps no procedures.', {
      remedy: 'Another program may be using its folder: the server said so when it started.',
    });
  };
  const post = (action: string, handler: (context: RouteContext, id: string) => unknown): Route => ({
    method: 'POST',
    pattern: `${PREFIX}/${action}`,
    handler: (context) => handler(context, context.params['id'] ?? ''),
  });
  return [
    {
      method: 'POST',
      pattern: '/api/procedures',
      handler: async ({ request }) => control().start(given<StartProcedureRequest>(await readJson(request, startBody))),
    },
    post('stop', async ({ request }, id) => control().stop(id, (await readJson(request, byBody)).by)),
    post('captures', async ({ request }, id) => control().capture(id, given<CaptureRequest>(await readJson(request, captureBody)))),
    post('notes', async ({ request }, id) => {
      const { text, by } = await readJson(request, noteBody);
      await control().note(id, text, by);
    }),
    post('pause', async ({ request }, id) => {
      const { reason: why, by } = await readJson(request, pauseBody);
      await control().pause(id, why ?? null, by);
    }),
    post('resume', async ({ request }, id) => {
      await control().resume(id, (await readJson(request, byBody)).by);
    }),
    {
      method: 'PUT',
      pattern: `${PREFIX}/sites/:site`,
      handler: async ({ request, params }) => {
        const { by, ...mark } = await readJson(request, siteBody);
        await control().setSite(params['id'] ?? '', { site: params['site'] ?? '', ...mark, ...(by === undefined ? {} : { by }) });
      },
    },
  ];
}
