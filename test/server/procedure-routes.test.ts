import { cpSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { openCatalogue, type Catalogue } from '../../src/procedure/catalogue/catalogue.js';
import { openProcedureWriter, type ProcedureWriter } from '../../src/procedure/writer.js';
import type { Gallery } from '../../src/retrieval/gallery.js';
import type { Embedder } from '../../src/inference/embedder.js';
import type { Ffmpeg } from '../../src/media/ffmpeg.js';
import { procedureRoutes } from '../../src/server/procedure-routes.js';
import type {
  ProcedureListAnswer,
  ProcedureReplay,
  ProcedureVerification,
  ReplayDetections,
  ReplayTrack,
} from '../../src/server/procedure-protocol.js';
import { startServer, type LumenmarkServer } from '../../src/server/server.js';
import { newProcedure, testDetection, testKey, testSighting } from '../support/procedures.js';
import { temporaryFolder } from '../support/temporary.js';
import { FakeSession, NO_JPEG } from './fake-session.js';

const home = temporaryFolder();
const FRAMES = 1200;
let server: LumenmarkServer;
let catalogue: Catalogue;
let closed: ProcedureWriter;
let open: ProcedureWriter;

beforeAll(async () => {
  closed = await openProcedureWriter(home, { key: testKey(), procedure: newProcedure({ label: 'Room 2' }) });
  const random = seededRandom(1);
  for (let frameId = 0; frameId < FRAMES; frameId++) void closed.writeDetection(testDetection(frameId, random));
  const sighting = testSighting(0, 'antrum', 20, 30);
  await closed.append({ type: 'sighting-opened', sighting: { ...sighting, endPtsUs: 5_000_000, endFrameId: 25 } });
  await closed.append({ type: 'sighting-closed', sighting, reason: 'faded' });
  await closed.addStill({
    jpeg: NO_JPEG,
    type: 'still-kept',
    site: 'antrum',
    landmark: 'antrum',
    frameId: 30,
    ptsUs: 6_000_000,
    quality: 0.9,
  });
  await closed.append({ type: 'pause', by: 'Ann', reason: 'biopsy', ptsUs: 60_000_000 });
  await closed.append({ type: 'site-set', by: 'Ann', site: 'duodenal-bulb', state: 'seen', reason: 'seen on the way in' });
  writeFileSync(join(closed.folder, 'recording.mp4'), Buffer.alloc(5000, 7));
  await closed.append({ type: 'recording-started', file: 'recording.mp4', codec: 'h264', originPtsUs: 200_000 });
  await closed.close();
  open = await openProcedureWriter(home, { key: testKey(), procedure: newProcedure({ label: 'running' }) });
  await open.writeDetection(testDetection(0, random));
  catalogue = await openCatalogue(home);
  // Only re-analysis would use them.
  const unused = { embedder: {} as Embedder, ffmpeg: {} as Ffmpeg };
  const gallery = { manifest: { model: { fingerprint: '' }, files: {} } } as unknown as Gallery;
  server = await startServer({
    controller: new FakeSession(),
    port: 0,
    clientDir: home,
    routes: procedureRoutes({ home, catalogue, gallery, ...unused }),
  });
});

afterAll(async () => {
  await server.dispose();
  catalogue.dispose();
  await open.close();
});

interface Answer<T = unknown> {
  status: number;
  body: T;
}

async function get(path: string): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${String(server.port)}/api/procedures${path}`);
  const text = await response.text();
  return { status: response.status, body: text.startsWith('{') ? JSON.parse(text) : text };
}

describe('routes of kept procedures', () => {
  it('list and count, by what the address asks for, running ones as open', async () => {
    const { body } = (await get('?text=room&limit=5')) as Answer<ProcedureListAnswer>;
    expect(body).toMatchObject({
      total: 1,
      notice: null,
      checklists: [{ id: 'esge-2016' }],
      procedures: [{ id: closed.id, state: 'closed' }],
    });
    expect(((await get('?state=open')) as Answer<ProcedureListAnswer>).body.procedures).toMatchObject([{ id: open.id }]);
    expect((await get('/statistics?from=2020-01-01')).body).toMatchObject({ procedures: 2 });
    expect(await get('?from=soon')).toMatchObject({ status: 400, body: { code: 'procedure-query' } });
  });

  it('tell what was shown when', async () => {
    const { body } = (await get(`/${closed.id}`)) as Answer<ProcedureReplay>;
    expect(body).toMatchObject({ startPtsUs: 0, endPtsUs: (FRAMES - 1) * 200_000, gallery: { loaded: false }, problem: null });
    expect(body.headHash).toMatch(/^[0-9a-f]{64}$/);
    expect(body.sightings).toMatchObject([{ landmark: 'antrum', openedPtsUs: 5_000_000, endPtsUs: 10_000_000 }]);
    const stateAt = (ptsUs: number, site: string) =>
      body.coverage.findLast((change) => change.ptsUs <= ptsUs)!.sites.find(({ id }) => id === site)!.state;
    expect([stateAt(4_999_999, 'antrum'), stateAt(5_000_000, 'antrum')]).toEqual(['unseen', 'seen']);
    const last = body.coverage.at(-1)!.sites;
    expect(last.find(({ id }) => id === 'antrum')).toMatchObject({ state: 'documented', stillFrameId: 30 });
    expect(last.find(({ id }) => id === 'duodenal-bulb')).toMatchObject({ state: 'seen', byHand: { by: 'Ann' } });
    expect(body.events).toContainEqual(expect.objectContaining({ kind: 'pause', ptsUs: 60_000_000, by: 'Ann' }));
    const still = await fetch(`http://127.0.0.1:${String(server.port)}${last.find(({ id }) => id === 'antrum')!.still!}`);
    expect(new Uint8Array(await still.arrayBuffer())).toEqual(NO_JPEG);
    expect(body.parts).toMatchObject([{ originPtsUs: 200_000, path: `/api/procedures/${closed.id}/files/recording.mp4` }]);
  });

  it('give every frame in short, and what some of them resembled', async () => {
    const { body: track } = (await get(`/${closed.id}/track`)) as Answer<ReplayTrack>;
    expect(track.ptsUs).toHaveLength(FRAMES);
    const random = seededRandom(1);
    const line = testDetection(0, random);
    expect(track.labels[track.landmark[0]!]).toBe(line.current.landmark);
    expect(track.frameLabel[0]).toBe(line.known ? track.labels.indexOf(line.scores[0]!.label) : -1);
    const { body: page } = (await get(`/${closed.id}/detections?from=1000000&to=2000000`)) as Answer<ReplayDetections>;
    expect(page.detections.map(({ frameId }) => frameId)).toEqual([5, 6, 7, 8, 9]);
    expect(page.nextPtsUs).toBeNull();
    const { body: long } = (await get(`/${closed.id}/detections`)) as Answer<ReplayDetections>;
    expect([long.detections.length, long.nextPtsUs]).toEqual([500, 500 * 200_000]);
  });

  it('let no path lead out of the folder', async () => {
    for (const file of ['..%2f..%2fkey.pem', '../../x.mp4', 'journal.ndjson', '%2fetc%2fpasswd', 'stills/..%2frecording.mp4', '%ff']) {
      expect((await get(`/${closed.id}/files/${file}`)).status).toBeGreaterThanOrEqual(400);
    }
    for (const id of ['..', '%2e%2e', '2026-11-27T02-14-55Z-zzzz', 'statistics%2f..']) expect((await get(`/${id}/track`)).status).toBe(404);
    const outside = join(home, 'outside.mp4');
    writeFileSync(outside, 'secret');
    rmSync(join(closed.folder, 'recording.mp4'));
    symlinkSync(outside, join(closed.folder, 'recording.mp4'));
    expect((await get(`/${closed.id}/files/recording.mp4`)).status).toBe(404);
  });

  it('show no procedure under the name of another', async () => {
    const id = '2026-01-02T03-04-05Z-aaaa';
    cpSync(closed.folder, join(dirname(closed.folder), id), { recursive: true });
    expect(await get(`/${id}`)).toMatchObject({ status: 409, body: { code: 'procedure-exchanged' } });
    expect(await get(`/${id}/verification`)).toMatchObject({ status: 409 });
  });

  it('say when a folder is not what was sealed', async () => {
    const { body } = (await get(`/${closed.id}/verification`)) as Answer<ProcedureVerification>;
    expect(body.verdict).toBe('altered');
    expect(body.findings.join()).toContain('recording.mp4');
  });
});
