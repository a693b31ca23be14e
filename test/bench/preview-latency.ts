/**
 * What the server adds to a frame on its way from the demuxer to the socket and to a client, while all cores are busy.
 *
 *   npm run bench -- preview-latency [SECONDS] [CLIENTS] [BUSY-THREADS]
 *
 * Frames of 150 KB (1280×1024 as JPEG) at 30 fps; clients read in a thread of their own; besides them stands one client that never
 * reads. Threads that only compute stand for inference. `measurePreview` measures any running session in the same way.
 */
import { randomBytes } from 'node:crypto';
import { createConnection } from 'node:net';
import { availableParallelism } from 'node:os';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { encode } from '@msgpack/msgpack';
import { encodeMessage } from '../../src/server/encode.js';
import { startServer, type LumenmarkServer } from '../../src/server/server.js';
import { FakeSession, frame, stats } from '../server/fake-session.js';
import { distribution, distributionHeader, distributionRow as row, type Distribution } from './support/distribution.js';

const FRAME_BYTES = 150_000;
const FPS = 30;

/** Reads frames, and answers with their delay: their `ptsUs` holds the time of capture in µs since the epoch. */
const CLIENT = `
const { parentPort, workerData } = require('node:worker_threads');
const { WebSocket } = require('ws');
const { decode } = require('@msgpack/msgpack');
const delaysMs = [];
for (let count = 0; count < workerData.clients; count += 1) {
  const socket = new WebSocket(workerData.url, 'lumenmark.v1', { perMessageDeflate: false });
  socket.on('message', (data) => {
    const message = decode(data);
    if (message.type === 'frame') delaysMs.push(performance.timeOrigin + performance.now() - message.ptsUs / 1000);
  });
}
parentPort.on('message', () => parentPort.postMessage(delaysMs));
`;

const BUSY = 'let x = 1; for (;;) x = Math.sin(x) + 1;';

/** A client that has connected and never reads. */
function deafClient(port: number): { end(): void } {
  const socket = createConnection({ port, host: '127.0.0.1' });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  socket.on('error', () => undefined);
  socket.pause();
  return {
    end: () => {
      socket.destroy();
    },
  };
}

export interface PreviewReport {
  /** From `capturedAtMs` to after the last client's socket was written, ms. */
  toSocketMs: Distribution;
  /** From capture to decoded at a client of another thread, ms. */
  toClientMs: Distribution;
  /** Delay of the event loop of the serving thread, ms. */
  loopMs: Distribution;
  framesWithheld: number;
}

/** Sends frames through a server at 30 fps and measures their delays. */
export async function measurePreview(
  server: LumenmarkServer,
  session: FakeSession,
  options: { seconds: number; clients: number },
): Promise<PreviewReport> {
  const workerData = { url: `ws://127.0.0.1:${server.port}/ws`, clients: options.clients };
  const reader = new Worker(CLIENT, { eval: true, workerData });
  const deaf = deafClient(server.port);
  while (server.hub.totals.clients < options.clients + 1) await sleep(20);
  const toSocketMs: number[] = [];
  const loop = monitorEventLoopDelay({ resolution: 1 });
  const pictures = Array.from({ length: 8 }, () => new Uint8Array(randomBytes(FRAME_BYTES)));
  const total = options.seconds * FPS;
  const startMs = performance.now();
  loop.enable();
  for (let id = 0; id < total; id += 1) {
    const dueMs = startMs + (id * 1000) / FPS;
    await sleep(Math.max(0, dueMs - performance.now()));
    const capturedAtMs = performance.now();
    const jpeg = pictures[id % pictures.length];
    if (jpeg === undefined) continue;
    session.emit(frame(id, { jpeg, capturedAtMs, ptsUs: Math.round((performance.timeOrigin + capturedAtMs) * 1000) }));
    toSocketMs.push(performance.now() - capturedAtMs);
    if (id % FPS === 0) session.emit(stats());
  }
  loop.disable();
  await sleep(300);
  const delays = new Promise<number[]>((resolve) => {
    reader.once('message', resolve);
  });
  reader.postMessage('done');
  const toClientMs = distribution(await delays);
  deaf.end();
  await reader.terminate();
  const percentile = (share: number): number => loop.percentile(share) / 1e6;
  const loopMs = { count: total, p50: percentile(50), p95: percentile(95), p99: percentile(99), max: loop.max / 1e6 };
  return { toSocketMs: distribution(toSocketMs), toClientMs, loopMs, framesWithheld: server.hub.totals.framesDropped };
}

/** Time to encode one frame, ms, by our encoder and by the general one, alternating. */
function measureEncoding(rounds: number): { ours: Distribution; general: Distribution } {
  const message = frame(1, { jpeg: new Uint8Array(randomBytes(FRAME_BYTES)) });
  const [ours, general]: [number[], number[]] = [[], []];
  for (let round = 0; round < rounds; round += 1) {
    const beginMs = performance.now();
    encodeMessage(message, 'messagepack');
    const middleMs = performance.now();
    encode(message);
    const endMs = performance.now();
    ours.push(middleMs - beginMs);
    general.push(endMs - middleMs);
  }
  return { ours: distribution(ours), general: distribution(general) };
}

export default async function run(args: readonly string[]): Promise<void> {
  const [seconds = 10, clients = 2, busy = availableParallelism()] = args.map(Number);
  const { ours, general } = measureEncoding(2000);
  const threads = Array.from({ length: busy }, () => new Worker(BUSY, { eval: true }));
  const session = new FakeSession();
  const server = await startServer({ controller: session, port: 0 });
  const report = await measurePreview(server, session, { seconds, clients });
  await Promise.all(threads.map((thread) => thread.terminate()));
  await server.dispose();
  console.log(
    `${FRAME_BYTES / 1000} KB at ${FPS} fps for ${seconds} s, ${clients} reading clients and a deaf one, ${busy} busy threads on ${availableParallelism()} cores\n`,
  );
  console.log(distributionHeader());
  console.log(row('encode a frame', ours));
  console.log(row('  with a general encoder', general));
  console.log(row('demuxer to socket, all clients', report.toSocketMs));
  console.log(row('demuxer to client, decoded', report.toClientMs));
  console.log(row('event-loop delay', report.loopMs));
  console.log(`\nframes withheld from the deaf client: ${report.framesWithheld}`);
}
