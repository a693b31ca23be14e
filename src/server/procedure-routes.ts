import { realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { z } from 'zod';
import type { Catalogue } from '../procedure/catalogue/catalogue.js';
import { summarise } from '../procedure/catalogue/summarise.js';
import { checklistOf } from '../procedure/final-coverage.js';
import { ownPublicKey } from '../procedure/key.js';
import { fileNameFor } from '../procedure/paths.js';
import type { Procedure } from '../procedure/reader.js';
import { videoParts } from '../procedure/recording-parts.js';
import { verifyProcedure } from '../procedure/verify.js';
import { galleryFingerprint } from '../retrieval/fingerprint.js';
import type { Embedder } from '../inference/embedder.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { Gallery } from '../retrieval/gallery.js';
import { checklistSummary, labelInfo } from './messages.js';
import { HttpError } from './problem.js';
import { ProcedureFiles } from './procedure-files.js';
import type {
  ProcedureListAnswer,
  ProcedureReanalysis,
  ProcedureReplay,
  ProcedureStatisticsAnswer,
  ProcedureVerification,
  ReplayDetections,
  ReplayPart,
  ReplayTrack,
} from './procedure-protocol.js';
import { replayTimeline } from './replay-timeline.js';
import { replayTrack } from './replay-track.js';
import { ReanalysisJobs } from './reanalysis-jobs.js';
import { readJson, type Route, type RouteContext } from './router.js';
import { sendFile } from './send-file.js';

export interface ProcedureRoutesOptions {
  readonly home: string;
  readonly catalogue: Catalogue;
  /** The gallery that is loaded: only of it the pictures of exemplars can be shown, and with it recordings are analysed again. */
  readonly gallery: Gallery;
  readonly embedder: Embedder;
  readonly ffmpeg: Ffmpeg;
}

const DETECTIONS_A_PAGE = 500;
const NEIGHBOURS_SENT = 12;
/** Lists look for new folders at most this often, ms. */
const REFRESH_EVERY_MS = 2000;

/** Lists, statistics and replay of kept procedures; everything is read, nothing is changed. */
export function procedureRoutes({ home, catalogue, gallery, embedder, ffmpeg }: ProcedureRoutesOptions): Route[] {
  const files = new ProcedureFiles(home);
  const fingerprint = galleryFingerprint(gallery.manifest);
  const jobs = new ReanalysisJobs({ gallery, embedder, ffmpeg });
  let refreshedAtMs = performance.now();

  const fresh = async (): Promise<void> => {
    if (performance.now() - refreshedAtMs < REFRESH_EVERY_MS) return;
    refreshedAtMs = performance.now();
    await catalogue.refresh();
  };
  const idOf = ({ params }: RouteContext): string => params['id'] ?? '';
  const filePath =
    (id: string) =>
    (file: string): string =>
      `/api/procedures/${id}/files/${file.split('/').map(encodeURIComponent).join('/')}`;

  return [
    {
      method: 'GET',
      pattern: '/api/procedures',
      handler: async ({ url }): Promise<ProcedureListAnswer> => {
        await fresh();
        const { total, procedures } = catalogue.list(queryOf(url));
        return {
          total,
          procedures: [...procedures],
          unreadable: catalogue.unreadable(),
          checklists: catalogue.checklists(),
          notice: catalogue.notice,
        };
      },
    },
    {
      method: 'GET',
      pattern: '/api/procedures/statistics',
      handler: async ({ url }): Promise<ProcedureStatisticsAnswer> => {
        await fresh();
        const { checklists, ...statistics } = catalogue.statistics(queryOf(url));
        return { ...statistics, checklists: [...checklists] };
      },
    },
    {
      method: 'GET',
      pattern: '/api/procedures/:id',
      handler: async (context): Promise<ProcedureReplay> => {
        const procedure = await files.procedure(idOf(context));
        const index = await files.detections(procedure.id);
        const summary = { ...summarise(procedure), bytes: catalogue.get(procedure.id)?.bytes ?? 0 };
        const startPtsUs = index.ptsUs[0] ?? 0;
        return {
          ...replayOf(procedure, fingerprint),
          ...replayTimeline(procedure, startPtsUs, filePath(procedure.id)),
          summary,
          parts: await partsOf(procedure, filePath(procedure.id)),
          startPtsUs,
          endPtsUs: index.ptsUs.at(-1) ?? 0,
        };
      },
    },
    {
      method: 'GET',
      pattern: '/api/procedures/:id/track',
      handler: async (context): Promise<ReplayTrack> => replayTrack((await files.detections(idOf(context))).heads),
    },
    {
      method: 'GET',
      pattern: '/api/procedures/:id/detections',
      handler: async (context): Promise<ReplayDetections> => {
        const [from, to] = [timeOf(context.url, 'from', 0), timeOf(context.url, 'to', Number.MAX_SAFE_INTEGER)];
        const index = await files.detections(idOf(context));
        const lines = await index.lines(from, to, DETECTIONS_A_PAGE + 1);
        return {
          detections: lines.slice(0, DETECTIONS_A_PAGE).map(({ frameId, ptsUs, scores, neighbours }) => ({
            frameId,
            ptsUs,
            scores,
            neighbours: neighbours.slice(0, NEIGHBOURS_SENT),
          })),
          nextPtsUs: lines[DETECTIONS_A_PAGE]?.ptsUs ?? null,
        };
      },
    },
    {
      method: 'GET',
      pattern: '/api/procedures/:id/verification',
      handler: async (context): Promise<ProcedureVerification> => {
        const { folder } = await files.procedure(idOf(context));
        const ownKey = await ownPublicKey(home);
        const { verdict, findings, lines, files: checked, headHash, key } = await verifyProcedure(folder, { ownKey });
        return { verdict, findings: findings.map(({ message }) => message), lines, files: checked, headHash, key: key?.owner ?? null };
      },
    },
    {
      method: 'GET',
      pattern: '/api/procedures/:id/reanalysis',
      handler: async (context): Promise<ProcedureReanalysis> => jobs.of((await files.procedure(idOf(context))).id),
    },
    {
      method: 'POST',
      pattern: '/api/procedures/:id/reanalysis',
      handler: async (context): Promise<ProcedureReanalysis> => {
        await readJson(context.request, NOTHING_ASKED);
        return jobs.start(await files.procedure(idOf(context)));
      },
    },
    {
      method: 'GET',
      pattern: '/api/procedures/:id/files/*',
      handler: async (context) => {
        const procedure = await files.procedure(idOf(context));
        const file = (context.params['*'] ?? '').split('/').map(decoded).join('/');
        const type = CONTENT_TYPES[/\.[a-z0-9]+$/i.exec(file)?.[0].toLowerCase() ?? ''];
        // Only what the journal names is served: no path of a request becomes a path of the disk.
        if (type === undefined || !namesOf(procedure).has(file)) throw new HttpError(404, 'not-found', 'The procedure has no such file.');
        const download = context.url.searchParams.has('download') ? { downloadAs: `${procedure.id}-${fileNameFor(file)}` } : {};
        await sendFile(context, await pathBelow(procedure.folder, file), {
          contentType: type,
          cacheControl: 'private, no-cache',
          ...download,
        });
      },
    },
  ];
}

const NOTHING_ASKED = z.strictObject({});
const CONTENT_TYPES: Readonly<Record<string, string>> = { '.mp4': 'video/mp4', '.jpg': 'image/jpeg', '.png': 'image/png' };

/** The path of a file in a folder that may have come from elsewhere, with links that lead out of it. */
async function pathBelow(folder: string, file: string): Promise<string> {
  const [root, path] = await Promise.all([realpath(folder), realpath(join(folder, file)).catch(() => '')]);
  if (path.startsWith(`${root}${sep}`)) return path;
  throw new HttpError(404, 'not-found', 'The procedure has no such file.');
}

function namesOf({ entries }: Procedure): Set<string> {
  const names = new Set<string>();
  for (const entry of entries) {
    if (entry.type === 'recording-started' || entry.type === 'still-kept' || entry.type === 'capture') names.add(entry.file);
  }
  return names;
}

function replayOf(
  procedure: Procedure,
  loaded: string,
): Omit<ProcedureReplay, 'summary' | 'parts' | 'sightings' | 'coverage' | 'events' | 'startPtsUs' | 'endPtsUs'> {
  const { description, headHash, problem, entries } = procedure;
  const { model, gallery, analysis, source, versions } = description;
  return {
    checklist: checklistSummary(checklistOf(procedure)),
    live: source.live,
    software: `lumenmark ${versions.lumenmark}`,
    model,
    gallery: {
      ...{ name: gallery.name, fingerprint: gallery.fingerprint, exemplars: gallery.exemplars },
      labels: gallery.labels.map(labelInfo),
      loaded: gallery.fingerprint === loaded,
    },
    analysis: { fps: analysis.fps, policy: analysis.policy, device: analysis.device },
    headHash,
    problem: problem === null ? null : `The journal can be read up to line ${problem.line} only (${problem.reason}).`,
    fieldOfView: fieldOfViewOf(entries),
  };
}

async function partsOf(procedure: Procedure, pathOf: (file: string) => string): Promise<ReplayPart[]> {
  // Each part ends before the next begins.
  const ends = procedure.entriesOf('recording-stopped');
  return (await videoParts(procedure)).map(({ file, codec, originPtsUs }, at) => ({
    path: pathOf(file),
    codec,
    originPtsUs,
    frames: ends[at]?.frames ?? null,
    durationMs: ends[at]?.durationMs ?? null,
  }));
}

function fieldOfViewOf(entries: Procedure['entries']): ProcedureReplay['fieldOfView'] {
  const found = entries.findLast((entry) => entry.type === 'field-of-view')?.fieldOfView;
  if (found === undefined) return null;
  const { outline, ...box } = found;
  return outline === undefined ? box : { ...box, outline };
}

/** Checked by the catalogue, field by field. */
function queryOf(url: URL): object {
  const query: Record<string, string | number | boolean> = {};
  for (const [name, value] of url.searchParams) {
    if (name === 'token' || value === '') continue;
    if (name === 'limit' || name === 'offset') query[name] = Number(value);
    else if (name === 'documented' || name === 'held') query[name] = value === 'true';
    else query[name] = value;
  }
  return query;
}

function timeOf(url: URL, name: string, otherwise: number): number {
  const text = url.searchParams.get(name);
  const value = text === null ? otherwise : Number(text);
  if (Number.isFinite(value)) return value;
  throw new HttpError(400, 'bad-request', `${name}: must be a time in µs`);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new HttpError(400, 'bad-path', 'The path of this request is not valid percent-encoding.');
  }
}
