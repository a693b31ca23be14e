/**
 * The live path as a client meets it: a 1280×1024 clip at 30 fps played in real time through ffmpeg, field of view, inference, tracking
 * and the server, to a WebSocket client in another thread. Inference is saturated by analysing every frame.
 *
 *   npm run bench -- live-latency GALLERY [SECONDS] [ANALYSIS-FPS] [--record]
 *
 * With `--record` a procedure is kept meanwhile: video (H.264, full size), detections, stills, journal.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { openSource } from '../../src/capture/source.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { findH264Encoder } from '../../src/media/encoders.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { outlineOfMp4 } from '../../src/media/seekable.js';
import { openModel } from '../../src/models/registry.js';
import { installationKey } from '../../src/procedure/key.js';
import { proceduresFolder } from '../../src/procedure/paths.js';
import { readProcedure } from '../../src/procedure/reader.js';
import { openGallery } from '../../src/retrieval/gallery.js';
import { readManifest } from '../../src/retrieval/manifest.js';
import { LiveSession } from '../../src/server/live-session.js';
import { startServer } from '../../src/server/server.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import { makeClip } from './support/clips.js';
import { distribution, distributionHeader, distributionRow } from './support/distribution.js';

/** Answers with when each tracking message was there and decoded, ms since the epoch. */
const CLIENT = `
const { parentPort, workerData } = require('node:worker_threads');
const { WebSocket } = require('ws');
const { decode } = require('@msgpack/msgpack');
const seen = [];
const socket = new WebSocket(workerData, 'lumenmark.v1', { perMessageDeflate: false });
socket.on('message', (data) => {
  const message = decode(data);
  if (message.type === 'tracking') seen.push([message.frameId, performance.timeOrigin + performance.now()]);
});
parentPort.on('message', () => parentPort.postMessage(seen));
`;

const WARM_UP_MS = 5000;

export default async function bench(args: readonly string[]): Promise<void> {
  const [galleryDir, secondsText = '30', fpsText = '30'] = args.filter((arg) => !arg.startsWith('--'));
  const records = args.includes('--record');
  if (galleryDir === undefined) throw new Error('Name a gallery.');
  const [seconds, analysisFps] = [Number(secondsText), Number(fpsText)];
  const folder = await mkdtemp(join(tmpdir(), 'lumenmark-bench-'));
  const ffmpeg = await findFfmpeg();
  const clip = await makeClip(ffmpeg, folder, 10);
  const gallery = await openGallery(galleryDir, { model: await openModel((await readManifest(galleryDir)).model.name) });
  const embedder = await createEmbedder(gallery.model, { device: 'cpu' });
  const encoder = records ? await findH264Encoder(ffmpeg) : null;
  if (records && encoder === null) throw new Error('This ffmpeg has no H.264 encoder that works here.');
  const procedures = records
    ? {
        home: folder,
        key: await installationKey(folder),
        ffmpeg,
        operator: 'bench',
        analysisFps,
        fieldOfView: 'auto' as const,
        codec: 'encode' as const,
      }
    : null;
  const session = new LiveSession({
    procedures,
    gallery,
    embedder,
    checklist: loadChecklist('esge-2016'),
    devices: () => Promise.resolve([]),
    openSource: async ({ id, source }) => ({
      simulated: false,
      source: await openSource({
        id,
        source,
        ffmpeg,
        loop: true,
        analysis: { ...gallery.model.input, fps: analysisFps },
        preview: { fps: 30, width: 1280 },
        pace: 'realtime',
        fieldOfView: 'auto',
        recording: encoder === null ? null : { type: 'encode', encoder },
      }),
    }),
  });
  const server = await startServer({ controller: session, port: 0 });
  const client = new Worker(CLIENT, { eval: true, workerData: `ws://127.0.0.1:${String(server.port)}/ws` });

  const toSocketMs: number[] = [];
  const capturedAt = new Map<number, number>();
  const inferenceMs: number[] = [];
  let drops = 0;
  let measuring = false;
  // Subscribed after the server: when a message comes by here, the hub has written it to its sockets.
  session.messages.subscribe((message) => {
    if (!measuring) return;
    if (message.type === 'frame') toSocketMs.push(performance.now() - message.capturedAtMs);
    else if (message.type === 'tracking')
      capturedAt.set(message.frameId, performance.timeOrigin + performance.now() - message.annotationAgeMs);
    else if (message.type === 'stats') {
      inferenceMs.push(message.inferenceMs);
      drops = message.droppedFrames;
    }
  });
  await session.addSource({ source: clip, ...(records ? { record: {} } : {}) });
  await sleep(WARM_UP_MS);
  const loop = monitorEventLoopDelay({ resolution: 1 });
  loop.enable();
  measuring = true;
  const dropsBefore = drops;
  await sleep(seconds * 1000);
  measuring = false;
  loop.disable();

  const answer = new Promise<[number, number][]>((resolve) => client.once('message', resolve));
  client.postMessage('done');
  const ages = (await answer).flatMap(([frameId, atMs]) => {
    const captured = capturedAt.get(frameId);
    return captured === undefined ? [] : [atMs - captured];
  });
  await client.terminate();
  const recorded = records ? await endRecording(session, folder) : null;
  await server.dispose();
  await session.dispose();
  await embedder.dispose();
  await rm(folder, { recursive: true });

  const quantile = (share: number): number => loop.percentile(share) / 1e6;
  const report = {
    previewToSocketMs: distribution(toSocketMs),
    annotationAgeAtClientMs: distribution(ages),
    eventLoopDelayMs: { count: seconds * 1000, p50: quantile(50), p95: quantile(95), p99: quantile(99), max: loop.max / 1e6 },
    inferenceMs: distribution(inferenceMs),
    analysedFps: ages.length / seconds,
    droppedPerSecond: (drops - dropsBefore) / seconds,
    recorded,
  };
  if (args.includes('--json')) {
    console.log(JSON.stringify(report));
    return;
  }
  console.log(
    `1280×1024 at 30 fps for ${String(seconds)} s${encoder === null ? '' : `, recorded with ${encoder.name}`}, ${gallery.model.name}, ${String(availableParallelism())} cores, ffmpeg ${ffmpeg.version}\n`,
  );
  console.log(distributionHeader());
  console.log(distributionRow('preview: demuxer to socket', report.previewToSocketMs));
  console.log(distributionRow('annotation age at the client', report.annotationAgeAtClientMs));
  console.log(distributionRow('event-loop delay', report.eventLoopDelayMs));
  console.log(distributionRow('inference of one frame', report.inferenceMs));
  console.log(`\nanalysed ${report.analysedFps.toFixed(1)} frames/s, dropped ${report.droppedPerSecond.toFixed(1)} frames/s`);
  if (recorded !== null) {
    const { frames, missing, mbitPerS } = recorded;
    console.log(`recorded ${frames} frames, ${missing} missing in between, ${mbitPerS.toFixed(1)} Mbit/s`);
  }
}

/** What was recorded: a frame is missing where more time passes to the next one than a frame takes. */
async function endRecording(session: LiveSession, home: string): Promise<{ frames: number; missing: number; mbitPerS: number }> {
  const { procedures } = session;
  if (procedures === null) throw new Error('nothing was recorded');
  const { id } = await procedures.stop('current');
  const folder = join(proceduresFolder(home), id);
  const { durationMs, fileBytes } = await outlineOfMp4(join(folder, 'recording.mp4'));
  const stopped = (await readProcedure(folder)).entriesOf('recording-stopped');
  const frames = stopped.reduce((sum, entry) => sum + (entry.frames ?? 0), 0);
  const lastsMs = durationMs ?? 0;
  return { frames, missing: Math.round((lastsMs * 30) / 1000) - frames, mbitPerS: (fileBytes * 8) / 1000 / lastsMs };
}
