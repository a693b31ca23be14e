import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { execFileSync } from 'node:child_process';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSource } from '../../src/capture/source.js';
import type { Embedder } from '../../src/inference/embedder.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { findH264Encoder } from '../../src/media/encoders.js';
import { findFfmpeg, type Ffmpeg } from '../../src/media/ffmpeg.js';
import { outlineOfMp4 } from '../../src/media/seekable.js';
import { readProcedure } from '../../src/procedure/reader.js';
import { verifyProcedure } from '../../src/procedure/verify.js';
import { openGallery, type Gallery } from '../../src/retrieval/gallery.js';
import { LiveSession } from '../../src/server/live-session.js';
import type { CoverageMessage, ProcedureMessage } from '../../src/server/protocol.js';
import { startServer, type LumenmarkServer } from '../../src/server/server.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import { eventually } from '../support/eventually.js';
import { testKey } from '../support/procedures.js';
import { temporaryFolder } from '../support/temporary.js';
import { makeGallery, makeVideo } from '../support/tiny-procedure.js';

const folder = temporaryFolder();
const home = join(folder, 'home');
let ffmpeg: Ffmpeg;
let gallery: Gallery;
let embedder: Embedder;
let video: string;
let session: LiveSession;
let server: LumenmarkServer;
const told: ProcedureMessage[] = [];
const coverages: CoverageMessage[] = [];

beforeAll(async () => {
  ffmpeg = await findFfmpeg();
  [gallery, video] = await Promise.all([makeGallery(folder, 'none').then((dir) => openGallery(dir)), makeVideo(folder)]);
  embedder = await createEmbedder(gallery.model, { device: 'cpu' });
  const encoder = await findH264Encoder(ffmpeg);
  if (encoder === null) throw new Error('this ffmpeg has no H.264 encoder');
  session = new LiveSession({
    ...{ gallery, embedder, checklist: loadChecklist('esge-2016'), devices: () => Promise.resolve([]) },
    procedures: { home, key: testKey(), ffmpeg, operator: 'Dr. A', analysisFps: null, fieldOfView: 'none', codec: 'encode' },
    openSource: async ({ id, source, loop }) => ({
      simulated: true,
      source: await openSource({
        ...{ id, source, ffmpeg, loop, fieldOfView: source === video ? 'none' : 'auto', recording: { type: 'encode', encoder } },
        ...{ analysis: { ...gallery.model.input, fps: loop ? 10 : null }, preview: { fps: 30, width: 96 } },
        pace: loop ? 'realtime' : 'fast',
      }),
    }),
  });
  session.messages.subscribe((message) => {
    if (message.type === 'procedure') told.push(message);
    if (message.type === 'coverage') coverages.push(message);
  });
  server = await startServer({ controller: session, port: 0, clientDir: '/nonexistent' });
}, 60_000);

afterAll(async () => {
  await server.dispose();
  await session.dispose();
  await embedder.dispose();
});

async function call(method: string, path: string, body?: unknown): Promise<{ status: number; answer: Record<string, unknown> }> {
  const headers = { 'Content-Type': 'application/json' };
  const response = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    ...{ method, headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
  const text = await response.text();
  return { status: response.status, answer: text === '' ? {} : (JSON.parse(text) as Record<string, unknown>) };
}

/** The frame of a video at a time, RGB. */
function frameAt(path: string, ms: number, width: number, height: number): Buffer {
  const select = `select='gte(t,${String((ms - 0.5) / 1000)})'`;
  const raw = ['-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'];
  const pixels = execFileSync(ffmpeg.path, ['-v', 'error', '-i', path, '-vf', select, ...raw], { maxBuffer: 2 ** 28 });
  expect(pixels.length).toBe(width * height * 3);
  return pixels;
}

describe('a procedure of a live session', () => {
  it('keeps a source from its first frame to its last: video, detections, sightings, stills of the exact frame', async () => {
    await session.addSource({ source: video, record: { label: 'first' } });
    await eventually(() => told.at(-1)?.state).toBe('closed');
    const { id, recordedFrames, headHash, label, operator } = told.at(-1)!;
    expect({ label, operator, recordedFrames }).toEqual({ label: 'first', operator: 'Dr. A', recordedFrames: 160 });

    const procedure = await readProcedure(join(home, 'procedures', id!));
    expect((await verifyProcedure(procedure.folder)).findings).toEqual([]);
    expect(procedure.headHash).toBe(headHash);
    expect(procedure.description).toMatchObject({ kind: 'recorded', source: { label: 'video.mp4', simulated: true } });
    const [started] = procedure.entriesOf('recording-started');
    expect(procedure.entriesOf('recording-stopped')).toMatchObject([{ reason: 'closed', frames: 160 }]);
    const recording = join(procedure.folder, started!.file);
    expect(await outlineOfMp4(recording)).toMatchObject({ isSeekable: true, durationMs: 8000 });

    const detections = [];
    for await (const line of procedure.detections()) detections.push(line);
    expect(detections.map(({ ptsUs }) => (ptsUs - started!.originPtsUs) / 50_000)).toEqual(Array.from({ length: 160 }, (_, at) => at));
    expect(detections[0]!.quality.measures).not.toBeNull();

    const seen = procedure.entriesOf('sighting-closed').map(({ sighting }) => sighting.landmark);
    expect(seen).toEqual(['pylorus', 'z-line']);
    const stills = procedure.entriesOf('still-kept');
    expect(new Set(stills.map(({ landmark }) => landmark))).toEqual(new Set(seen));
    for (const { file, ptsUs } of stills) {
      const still = sharp(readFileSync(join(procedure.folder, file)));
      expect(await still.metadata()).toMatchObject({ width: 192, height: 160 });
      const pixels = await still.removeAlpha().raw().toBuffer();
      const off = (ms: number): number => {
        const frame = frameAt(recording, ms, 192, 160);
        return pixels.reduce((sum, value, at) => sum + Math.abs(value - frame[at]!), 0) / pixels.length;
      };
      const ms = (ptsUs! - started!.originPtsUs) / 1000;
      expect(off(ms)).toBeLessThan(3);
      // Another view, so that the comparison can fail.
      expect(off(ms < 4000 ? ms + 4000 - 200 : ms - 4000)).toBeGreaterThan(8);
    }
  });

  it('is begun, marked and ended by request, and keeps every mark with who and why beside what the tracker found', async () => {
    await session.openSource({ source: video, loop: true });
    await eventually(() => told.at(-1)?.state).toBe('none');
    await eventually(() => coverages.at(-1)?.sites.some(({ dwellMs }) => dwellMs > 0)).toBe(true);
    expect(await call('POST', '/api/procedures/current/notes', { text: 'x' })).toMatchObject({
      status: 409,
      answer: { code: 'procedure-not-open' },
    });
    const begun = await call('POST', '/api/procedures', { label: 'second', operator: 'Dr. B' });
    const id = begun.answer['id'] as string;
    expect(begun).toMatchObject({ status: 200, answer: { sourceId: told.at(-1)!.sourceId } });
    expect((await call('POST', '/api/procedures', {})).answer).toMatchObject({ code: 'procedure-open' });
    await eventually(() => told.at(-1)?.recordedFrames ?? 0).toBeGreaterThan(10);

    const captured = await call('POST', `/api/procedures/${id}/captures`, {});
    expect(captured).toMatchObject({ status: 200, answer: { fullSize: true } });
    const sites = `/api/procedures/${id}/sites`;
    expect((await call('PUT', `${sites}/angulus`, { state: 'documented', reason: '' })).status).toBe(400);
    expect((await call('PUT', `${sites}/nowhere`, { state: 'seen', reason: 'x' })).answer).toMatchObject({ code: 'site-unknown' });
    expect((await call('PUT', `${sites}/angulus`, { state: 'seen', reason: 'seen by eye', by: 'Nurse C' })).status).toBe(204);
    const angulus = (): unknown => coverages.at(-1)?.sites.find((site) => site.id === 'angulus');
    await eventually(angulus).toMatchObject({ state: 'seen', sightings: 0, byHand: { by: 'Nurse C', reason: 'seen by eye' } });
    expect((await call('PUT', `${sites}/angulus`, { state: null, reason: 'mistaken' })).status).toBe(204);
    await eventually(angulus).toMatchObject({ byHand: null });
    expect((await call('POST', '/api/procedures/current/notes', { text: 'bile' })).status).toBe(204);
    expect((await call('POST', `/api/procedures/${id}/pause`, { reason: 'biopsy' })).status).toBe(204);
    await eventually(() => told.at(-1)?.paused).toBe(true);
    expect((await call('POST', `/api/procedures/${id}/resume`, {})).status).toBe(204);
    const stopped = await call('POST', `/api/procedures/${id}/stop`, {});
    expect(stopped).toMatchObject({ status: 200, answer: { id, headHash: told.at(-1)!.headHash } });

    const procedure = await readProcedure(join(home, 'procedures', id));
    expect((await verifyProcedure(procedure.folder)).findings).toEqual([]);
    const marks = procedure.entriesOf('capture', 'site-set', 'site-cleared', 'note', 'pause', 'resume');
    expect(marks.map(({ type, by }) => [type, by])).toEqual([
      ['capture', 'Dr. B'],
      ['site-set', 'Nurse C'],
      ['site-cleared', 'Dr. B'],
      ['note', 'Dr. B'],
      ['pause', 'Dr. B'],
      ['resume', 'Dr. B'],
    ]);
    const [started] = procedure.entriesOf('recording-started');
    expect(started!.originPtsUs).toBeGreaterThan(0);
    // The tracker began afresh: what is kept owes nothing to what came before.
    for (const { sighting } of procedure.entriesOf('sighting-opened')) {
      expect(sighting.startPtsUs).toBeGreaterThan(started!.originPtsUs - 500_000);
    }
    expect((await call('POST', `/api/procedures/${id}/notes`, { text: 'late' })).answer).toMatchObject({ code: 'procedure-closed' });
    await session.closeSource(null);
  });
});

describe('the sources of a live session', () => {
  it('lets what plays go on when another cannot be opened, and puts another in its place and not behind the rest', async () => {
    const { sourceId: shown } = await session.addSource({ source: video, loop: true });
    const { sourceId: beside } = await session.addSource({ source: video, loop: true });
    const refused = await call('POST', '/api/source', { source: '/nowhere.mp4', checklistId: 'colonoscopy' });
    expect(refused).toMatchObject({ status: 422, answer: { code: 'file-missing' } });
    expect(session.hello(null)).toMatchObject({ source: { id: shown }, checklist: { id: 'esge-2016' } });
    const { answer } = await call('POST', '/api/source', { source: video, loop: true });
    expect(session.hello(null).source?.id).toBe(answer['sourceId']);
    expect(session.hello(null).sources.map(({ id }) => id)).toEqual([answer['sourceId'], beside]);
    await session.closeSource(null);
  });

  it('says once that a source failed, and why', async () => {
    const said: string[] = [];
    const listening = session.messages.subscribe((message) => {
      if (message.type === 'error') said.push(message.code);
      if (message.type === 'event' && message.event === 'source' && message.state === 'failed') said.push(message.state);
    });
    await session.addSource({ source: 'lavfi:color=black:s=64x48:r=25:d=1' });
    await eventually(() => said).toEqual(['failed', 'no-field-of-view']);
    listening.unsubscribe();
    await session.closeSource(null);
  });
});
