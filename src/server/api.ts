import { z } from 'zod';
import type { Hub } from './hub.js';
import { metricsText } from './metrics.js';
import { HttpError } from './problem.js';
import { readJson, type Route, type RouteContext } from './router.js';
import type { OpenSourceRequest, Picture, SessionController } from './session.js';
import type { Uploads } from './uploads.js';

const openSourceBody = z.strictObject({
  source: z.string().trim().min(1, 'must name a file, a device or an address').max(4096),
  checklistId: z.string().min(1).max(200).optional(),
  loop: z.boolean().optional(),
});

const checklistBody = z.strictObject({ id: z.string().min(1).max(200) });

/** True for names such as those in coverage messages: percent-encoded segments, none of which leads elsewhere. */
function isStillName(name: string): boolean {
  try {
    return name.split('/').every((segment) => !['', '.', '..'].includes(decodeURIComponent(segment)));
  } catch {
    return false;
  }
}

function sendPicture(context: RouteContext, picture: Picture | null, cacheControl: string): void {
  if (picture === null) throw new HttpError(404, 'no-picture', 'There is no such picture.');
  context.response.writeHead(200, {
    'Content-Type': picture.contentType,
    'Content-Length': picture.bytes.length,
    'Cache-Control': cacheControl,
  });
  context.response.end(context.request.method === 'HEAD' ? undefined : picture.bytes);
}

export function apiRoutes(controller: SessionController, hub: Hub, uploads: Uploads): Route[] {
  const startedMs = performance.now();
  return [
    {
      method: 'GET',
      pattern: '/healthz',
      handler: () => {
        const { software } = controller.hello(null);
        return { status: 'ok', software, uptimeS: Math.round((performance.now() - startedMs) / 1000), clients: hub.totals.clients };
      },
    },
    {
      method: 'GET',
      pattern: '/metrics',
      handler: ({ response }) => {
        response.setHeader('Content-Type', 'text/plain; version=0.0.4; charset=utf-8');
        response.end(metricsText(controller, hub));
      },
    },
    {
      method: 'GET',
      pattern: '/api/state',
      handler: ({ url }) => {
        const hello = controller.hello(url.searchParams.get('source'));
        const memory = hello.source === null ? undefined : hub.memory(hello.source.id);
        const { state = null, coverage = null, tracking = null, procedure = null, stats = null, sightings = [] } = memory ?? {};
        return { hello, state, coverage, tracking, procedure, stats, sightings };
      },
    },
    { method: 'GET', pattern: '/api/devices', handler: async () => ({ devices: await controller.devices() }) },
    {
      method: 'POST',
      pattern: '/api/source',
      handler: async ({ request }) => {
        const { source, checklistId, loop } = await readJson(request, openSourceBody);
        const wanted: OpenSourceRequest = { source };
        if (checklistId !== undefined) wanted.checklistId = checklistId;
        if (loop !== undefined) wanted.loop = loop;
        return await controller.openSource(wanted);
      },
    },
    {
      method: 'DELETE',
      pattern: '/api/source',
      handler: async ({ url }) => {
        await controller.closeSource(url.searchParams.get('source'));
      },
    },
    {
      method: 'PUT',
      pattern: '/api/uploads/:name',
      handler: ({ request, params }) => uploads.receive(request, (params['name'] ?? '').slice(0, 255)),
    },
    { method: 'GET', pattern: '/api/checklists', handler: () => ({ checklists: controller.checklists() }) },
    {
      method: 'PUT',
      pattern: '/api/checklist',
      handler: async ({ request }) => {
        const { id } = await readJson(request, checklistBody);
        await controller.setChecklist(id);
      },
    },
    {
      method: 'GET',
      pattern: '/stills/*',
      handler: async (context) => {
        const name = context.params['*'] ?? '';
        // A better still of a site gets a path of its own, so that the one behind a path never changes.
        const picture = isStillName(name) ? await controller.still(name) : null;
        sendPicture(context, picture, 'private, max-age=31536000, immutable');
      },
    },
    {
      method: 'GET',
      pattern: '/thumbnails/:file',
      handler: async (context) => {
        const exemplar = /^(\d{1,9})\.jpg$/.exec(context.params['file'] ?? '')?.[1];
        // The number of an exemplar means another picture in another gallery.
        sendPicture(context, exemplar === undefined ? null : await controller.thumbnail(Number(exemplar)), 'no-cache');
      },
    },
  ];
}
