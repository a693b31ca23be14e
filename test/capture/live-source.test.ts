import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createReadStream, readFileSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaptureEvent, FrameSource, SourceState } from '../../src/capture/frame.js';
import { openSource } from '../../src/capture/source.js';
import type { Ffmpeg } from '../../src/media/ffmpeg.js';
import { allFfmpegs, clipFolder, litRectangle } from '../support/ffmpegs.js';

const ffmpegs = await allFfmpegs();
const clips = clipFolder();
const open: FrameSource[] = [];
const children: ChildProcess[] = [];

beforeAll(() => {
  const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-g', '12', '-bf', '0', '-pix_fmt', 'yuv420p'];
  const lit = litRectangle(400, 400, 120, 40);
  clips.make('sent.ts', '-f', 'lavfi', '-i', `${lit},trim=duration=20`, ...h264, '-f', 'mpegts');
  // The same scene, sent twice as large: by its proportions it is the same.
  const sizes = ['iw:ih', '2*iw:2*ih'].map((size, part) => {
    const large = `${lit},trim=duration=${part === 0 ? 2 : 6},scale=${size}`;
    return clips.make(`size-${part}.ts`, '-f', 'lavfi', '-i', large, ...h264, '-output_ts_offset', String(2 * part));
  });
  writeFileSync(join(clips.folder, 'resized.ts'), Buffer.concat(sizes.map((path) => readFileSync(path))));
});
afterAll(async () => {
  await Promise.all(open.map((source) => source.dispose()));
  for (const child of children) child.kill('SIGKILL');
  clips.remove();
});

function openLive(ffmpeg: Ffmpeg, source: string): Promise<FrameSource> {
  return openSource({
    id: 's',
    ffmpeg,
    source,
    analysis: { width: 32, height: 32, fps: null },
    preview: { fps: 30, width: 160 },
    pace: 'realtime',
    fieldOfView: 'auto',
    stallTimeoutMs: 1500,
  }).then((opened) => {
    open.push(opened);
    return opened;
  });
}

interface Sender {
  readonly port: number;
  stop(): Promise<void>;
  hush(): void;
  /** To whoever connects from now on. */
  show(film: string): void;
}

/** A sender that starts its film over for whoever connects, at the speed of life, as an encoder in a rack does. */
async function sender(ffmpeg: Ffmpeg, port = 0, first = 'sent.ts'): Promise<Sender> {
  let film = first;
  const sockets = new Set<Socket>();
  const pipes = new Set<ChildProcess>();
  const server: Server = createServer((socket) => {
    sockets.add(socket);
    const pipe = spawn(
      ffmpeg.path,
      ['-v', 'error', '-nostdin', '-re', '-i', join(clips.folder, film), '-c', 'copy', '-f', 'mpegts', '-flush_packets', '1', 'pipe:1'],
      {
        stdio: ['ignore', 'pipe', 'ignore'],
      },
    );
    pipes.add(pipe);
    children.push(pipe);
    pipe.stdout.pipe(socket);
    socket.on('error', () => undefined);
    socket.on('close', () => pipe.kill('SIGKILL'));
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async stop() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, 'close');
    },
    show(next) {
      film = next;
    },
    hush() {
      for (const pipe of pipes) pipe.kill('SIGSTOP');
    },
  };
}

/** Reads events until `stop` says so; `onState` may act on the world meanwhile. */
async function read(source: FrameSource, stop: (event: CaptureEvent, events: readonly CaptureEvent[]) => boolean): Promise<CaptureEvent[]> {
  const events: CaptureEvent[] = [];
  for await (const event of source) {
    events.push(event);
    if (stop(event, events)) break;
  }
  return events;
}

function states(events: readonly CaptureEvent[]): SourceState[] {
  return events.filter((event) => event.type === 'state');
}

describe.each(ffmpegs)('a live source with the %s ffmpeg', (_, ffmpeg) => {
  it('waits for a sender that is not there yet, and comes back when it was gone, on one rising clock', async () => {
    const first = await sender(ffmpeg);
    const { port } = first;
    await first.stop();
    const source = await openLive(ffmpeg, `tcp://doctor:geheim@127.0.0.1:${port}`);
    expect(source.label).toBe(`tcp://***@127.0.0.1:${port}`);
    let peer: Sender | null = null;
    let runs = 0;
    let framesInRun = 0;
    const stopping: Promise<void>[] = [];
    const events = await read(source, (event) => {
      if (event.type === 'state' && event.state === 'reconnecting' && peer === null) {
        void sender(ffmpeg, port).then((started) => {
          peer = started;
        });
      }
      if (event.type === 'state' && event.state === 'running') {
        runs += 1;
        framesInRun = 0;
      }
      if (event.type === 'analysis') framesInRun += 1;
      if (runs === 1 && framesInRun === 20 && peer !== null) {
        stopping.push(peer.stop());
        peer = null;
      }
      return runs === 2 && framesInRun === 10;
    });
    await Promise.all(stopping);
    await (peer as Sender | null)?.stop();

    const seen = states(events);
    expect(seen[0]?.state).toBe('connecting');
    expect(seen[1]).toMatchObject({ state: 'reconnecting', reconnects: 1, detail: expect.stringContaining('refused') as string });
    expect(seen.filter(({ state }) => state === 'running')).toHaveLength(2);
    for (const [index, state] of seen.entries()) expect(state.state).not.toBe(seen[index - 1]?.state);
    expect(JSON.stringify(seen)).not.toContain('geheim');
    const frames = events.filter((event) => event.type === 'analysis');
    const times = frames.map(({ ptsUs }) => ptsUs);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    expect(frames.map(({ frameId }) => frameId)).toEqual(frames.map((_frame, index) => frames[0]!.frameId + index));
    // Found once, and still known after the pause.
    const found = events.filter((event) => event.type === 'field-of-view');
    expect(found).toHaveLength(1);
    expect(Math.abs(found[0]!.fieldOfView.width - 400)).toBeLessThanOrEqual(6);
    const firstFrame = events.findIndex((event) => event.type === 'preview' || event.type === 'analysis');
    expect(events.indexOf(found[0]!)).toBeLessThan(firstFrame);
  });

  it('looks again when the size of its pictures changes, also where their proportions stay', async () => {
    const peer = await sender(ffmpeg, 0, 'resized.ts');
    const source = await openLive(ffmpeg, `tcp://127.0.0.1:${peer.port}`);
    const events = await read(source, (event, all) => {
      const runs = states(all).filter(({ state }) => state === 'running').length;
      // Whoever connects from now on is sent the large pictures alone.
      if (runs === 1) peer.show('size-1.ts');
      return runs === 2 && event.type === 'preview';
    });
    await peer.stop();
    const found = events.filter((event) => event.type === 'field-of-view').map(({ fieldOfView }) => fieldOfView);
    expect(found.map(({ sourceWidth }) => sourceWidth)).toEqual([640, 1280]);
    expect(Math.abs(found[1]!.width - 800)).toBeLessThanOrEqual(12);
    // No picture of the large ones was cut as the small ones are: none has a border.
    const previews = events.filter((event) => event.type === 'preview');
    for (const { jpeg } of previews.slice(-20)) {
      const { data, info } = await sharp(jpeg).greyscale().raw().toBuffer({ resolveWithObject: true });
      expect(Math.min(...data.subarray((info.height >> 1) * info.width + 8).subarray(0, info.width - 16))).toBeGreaterThan(40);
    }
    expect(states(events).at(-1)).toMatchObject({ state: 'running', reconnects: 0 });
  });

  it('notices silence', async () => {
    const peer = await sender(ffmpeg);
    const source = await openLive(ffmpeg, `tcp://127.0.0.1:${peer.port}`);
    const events = await read(source, (event, all) => {
      if (event.type === 'analysis' && all.filter(({ type }) => type === 'analysis').length === 10) peer.hush();
      return event.type === 'state' && event.state === 'reconnecting';
    });
    await source.dispose();
    await peer.stop();
    expect(states(events).map(({ state }) => state)).toEqual([
      'connecting',
      'searching-field-of-view',
      'running',
      'stalled',
      'reconnecting',
    ]);
  });

  it('plays over http, and says what the server answered', async () => {
    const server = createHttpServer((request, response) => {
      if (request.url !== '/live.ts') {
        response.writeHead(404).end();
        return;
      }
      createReadStream(join(clips.folder, 'sent.ts')).pipe(response);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    const playing = await openLive(ffmpeg, `${address}/live.ts`);
    const events = await read(playing, (event) => event.type === 'preview');
    expect(states(events).at(-1)?.state).toBe('running');
    const lost = await read(
      await openLive(ffmpeg, `${address}/nothing.ts?token=geheim`),
      (event) => event.type === 'state' && event.state === 'reconnecting',
    );
    expect(states(lost).at(-1)).toMatchObject({ detail: expect.stringContaining('does not have it') as string });
    expect(JSON.stringify(lost)).not.toContain('geheim');
    server.closeAllConnections();
    server.close();
  });

  it('ends at once while it waits for a sender', async () => {
    const silent = createServer(() => undefined);
    silent.listen(0, '127.0.0.1');
    await once(silent, 'listening');
    const source = await openLive(ffmpeg, `tcp://127.0.0.1:${(silent.address() as AddressInfo).port}`);
    const reading = read(source, () => false);
    await new Promise((resolve) => setTimeout(resolve, 300));
    await source.dispose();
    expect(states(await reading).map(({ state }) => state)).toEqual(['connecting']);
    silent.close();
  });
});
