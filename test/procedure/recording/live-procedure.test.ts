import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { RecordedPacket } from '../../../src/capture/frame.js';
import { outlineOfMp4 } from '../../../src/media/seekable.js';
import type { OpenSink } from '../../../src/procedure/recording/byte-queue.js';
import { FULL_BYTES, judgeDisk, LOW_BYTES } from '../../../src/procedure/recording/disk-watch.js';
import type { LiveProcedureOptions } from '../../../src/procedure/recording/live-options.js';
import { LiveProcedure } from '../../../src/procedure/recording/live-procedure.js';
import { readProcedure, type Procedure } from '../../../src/procedure/reader.js';
import { verifyProcedure } from '../../../src/procedure/verify.js';
import { eventually } from '../../support/eventually.js';
import { fullAfter } from '../../support/full-disk.js';
import { newProcedure, testKey } from '../../support/procedures.js';
import { temporaryFolder } from '../../support/temporary.js';

const codec = { name: 'h264', configuration: Uint8Array.of(1, 100, 0, 31, 255, 225, 0, 0, 1, 0, 0) } as const;
const packet = (at: number, changes: Partial<RecordedPacket> = {}): RecordedPacket => ({
  ...{ type: 'recorded', sourceId: 's', ptsUs: 5_000_000 + at * 40_000, keyframe: at % 10 === 0, codec, width: 64, height: 48 },
  data: new Uint8Array(1000).fill(at),
  ...changes,
});
const match = { neighbours: [], scores: [], known: false, confidence: 0 };

async function start(changes: Partial<LiveProcedureOptions> = {}): Promise<{ live: LiveProcedure; gate: boolean[]; folder: string }> {
  const home = temporaryFolder();
  const gate: boolean[] = [];
  const live = await LiveProcedure.start(
    {
      ...{ home, key: testKey(), procedure: newProcedure(), operator: 'Dr. A', ffmpeg: { path: '/nonexistent' }, reorder: 0 },
      setRecording: (open) => gate.push(open),
      preview: () => null,
      onChange: () => undefined,
      ...changes,
    },
    { fieldOfView: null },
  );
  return { live, gate, folder: join(home, 'procedures', live.id) };
}

function detect(live: LiveProcedure, frameId: number): void {
  const quality = { verdict: 'good', score: 0.5 } as const;
  const measures = { luminance: 0, litShare: 0, glareShare: 0, sharpness: 0, redness: 0, saturation: 0, contrast: 0 };
  const detection = { sourceId: 's', frameId, ptsUs: 5_000_000 + frameId * 40_000, quality, match };
  live.takeDetection({ detection, measures, current: { landmark: null, score: 1 }, inferenceMs: 1, annotationAgeMs: 2 });
}

async function ended(live: LiveProcedure, folder: string): Promise<Procedure> {
  await live.stop(() => undefined);
  expect((await verifyProcedure(folder)).findings).toEqual([]);
  return readProcedure(folder);
}

async function detectionsOf(procedure: Procedure): Promise<number> {
  let count = 0;
  for await (const line of procedure.detections()) count += line.frameId >= 0 ? 1 : 0;
  return count;
}

describe('LiveProcedure', () => {
  it('goes on without the video when the disk is full, cut back to what is whole, and says so', async () => {
    const { live, gate, folder } = await start({ openSink: fullAfter(20_000) });
    for (let at = 0; at < 50; at++) {
      live.takePacket(packet(at));
      detect(live, at);
      await new Promise((resolve) => setImmediate(resolve));
    }
    await eventually(() => live.status.video).toBe('stopped');
    expect(live.status.trouble).toContain('disk is full');
    expect(gate).toEqual([true, false]);
    for (let at = 50; at < 60; at++) detect(live, at);
    await live.note('still here');
    const procedure = await ended(live, folder);
    expect(procedure.entriesOf('recording-stopped')).toMatchObject([{ reason: 'disk-full' }]);
    expect(await detectionsOf(procedure)).toBe(60);
    const video = await outlineOfMp4(join(folder, 'recording.mp4'));
    expect(video).toMatchObject({ isSeekable: true });
    expect(video.fileBytes).toBeLessThanOrEqual(20_000 + 2000);
  });

  it('warns while the disk gets low, and stops the video before the journal has no room', async () => {
    let free = LOW_BYTES - 1;
    const { live, gate, folder } = await start({ freeBytes: () => Promise.resolve(free), diskEveryMs: 20 });
    live.takePacket(packet(0));
    await eventually(() => live.status.disk?.state).toBe('low');
    expect(live.status).toMatchObject({ video: 'running', trouble: null });
    free = FULL_BYTES - 1;
    await eventually(() => live.status.video).toBe('stopped');
    expect(gate).toEqual([true, false]);
    const procedure = await ended(live, folder);
    expect(procedure.entriesOf('disk-low')).toHaveLength(1);
    expect(procedure.entriesOf('recording-stopped')).toMatchObject([{ reason: 'disk-full', frames: 1 }]);
  });

  it('never waits for a disk that does not answer, and gives up the video when too much waits', async () => {
    const never = new Promise<void>(() => undefined);
    const stuck: OpenSink = () => Promise.resolve({ append: () => never, sync: () => never, truncate: () => never, close: () => never });
    const { live } = await start({ openSink: stuck });
    const large = new Uint8Array(4 * 2 ** 20);
    for (let at = 0; at < 40; at++) live.takePacket(packet(at * 6, { keyframe: true, data: large }));
    await eventually(() => live.status.trouble ?? '').toContain('too slow');
    await live.note('kept all the same');
  });

  it('goes on in the next file when the source comes back with another picture, and in the same when it is the same', async () => {
    const { live, folder } = await start();
    for (let at = 0; at < 10; at++) live.takePacket(packet(at));
    for (let at = 110; at < 120; at++) live.takePacket(packet(at));
    const wider = { width: 80, codec: { ...codec, configuration: Uint8Array.from([...codec.configuration, 7]) } };
    for (let at = 133; at < 150; at++) live.takePacket(packet(at, wider));
    const procedure = await ended(live, folder);
    expect(procedure.entriesOf('recording-started')).toMatchObject([
      { file: 'recording.mp4', originPtsUs: 5_000_000 },
      // The first key frame.
      { file: 'recording-2.mp4', originPtsUs: 5_000_000 + 140 * 40_000 },
    ]);
    expect(procedure.entriesOf('recording-stopped')).toMatchObject([
      { reason: 'source', frames: 20, durationMs: 119 * 40 },
      { reason: 'closed', frames: 10 },
    ]);
    expect(await outlineOfMp4(join(folder, 'recording.mp4'))).toMatchObject({ isSeekable: true, durationMs: 120 * 40 });
  });

  it('keeps the time of a pause, and nothing after the end', async () => {
    const { live, folder } = await start();
    await live.pause('biopsy');
    await live.pause('biopsy');
    expect(live.status.paused).toBe(true);
    await live.resume();
    const procedure = await ended(live, folder);
    expect(procedure.entriesOf('pause', 'resume').map(({ type }) => type)).toEqual(['pause', 'resume']);
    expect(procedure.entriesOf('timers')).toHaveLength(1);
    await expect(live.note('late')).rejects.toMatchObject({ code: 'procedure-closed' });
  });
});

describe('judgeDisk', () => {
  it('counts what is left for the video at its rate', () => {
    expect(judgeDisk(100 * 2 ** 30, 0)).toEqual({ state: 'ok', freeBytes: 100 * 2 ** 30, lastsMs: null });
    expect(judgeDisk(FULL_BYTES + 1e6, 1000)).toMatchObject({ state: 'low', lastsMs: 1000 });
    // 5 GiB are much, but not for a quarter of an hour.
    expect(judgeDisk(5 * 2 ** 30, 6000)).toMatchObject({ state: 'low' });
    expect(judgeDisk(FULL_BYTES - 1, 1000)).toMatchObject({ state: 'full', lastsMs: 0 });
  });
});
