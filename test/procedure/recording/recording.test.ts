import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CaptureEvent, FrameSource, RecordedPacket } from '../../../src/capture/frame.js';
import type { SourceOptions } from '../../../src/capture/options.js';
import { openSource } from '../../../src/capture/source.js';
import { UsageError } from '../../../src/common/errors.js';
import { findH264Encoder } from '../../../src/media/encoders.js';
import type { Ffmpeg } from '../../../src/media/ffmpeg.js';
import { makeSeekable, outlineOfMp4 } from '../../../src/media/seekable.js';
import { Recorder, type RecordingPart, type RecordingPartEnd } from '../../../src/procedure/recording/recorder.js';
import { allFfmpegs, clipFolder, litRectangle } from '../../support/ffmpegs.js';
import { makeNumberedClip, readNumbers } from '../../support/numbered-frames.js';
import { temporaryFolder } from '../../support/temporary.js';

const ffmpegs = await allFfmpegs();
const clips = clipFolder();
const FPS = 30;

beforeAll(() => {
  const [[, ffmpeg]] = ffmpegs as [(typeof ffmpegs)[number]];
  makeNumberedClip(ffmpeg.path, join(clips.folder, 'numbered.mp4'), FPS, 2);
  // Another input of the processor after two seconds: the picture is elsewhere, and smaller.
  const scenes = [litRectangle(400, 400, 120, 40), litRectangle(260, 260, 360, 110)].map((graph, at) => `${graph},trim=duration=2[s${at}]`);
  const graph = `${scenes.join(';')};[s0][s1]concat=n=2[out]`;
  clips.make('changing.mp4', '-filter_complex', graph, '-map', '[out]', '-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p');
  const formats = ['yuv420p', 'yuv422p'].map((format, part) => {
    const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0', '-pix_fmt', format];
    return clips.make(`${format}.ts`, '-f', 'lavfi', '-i', 'testsrc2=s=160x120:r=25:d=1.2', ...h264, '-output_ts_offset', `${1.2 * part}`);
  });
  writeFileSync(join(clips.folder, 'formats.ts'), Buffer.concat(formats.map((path) => readFileSync(path))));
  makeNumberedClip(ffmpeg.path, join(clips.folder, 'reordered.mp4'), FPS, 1, '-preset', 'veryfast', '-bf', '2', '-g', '20');
});
afterAll(() => {
  clips.remove();
});

interface Recorded {
  readonly folder: string;
  readonly started: RecordingPart[];
  readonly stopped: RecordingPartEnd[];
  readonly events: CaptureEvent[];
}

async function record(
  ffmpeg: Ffmpeg,
  options: Partial<SourceOptions> & { source: string },
  act: ((source: FrameSource, event: CaptureEvent) => void) | 'whole',
): Promise<Recorded> {
  const folder = temporaryFolder();
  const [started, stopped, events]: [RecordingPart[], RecordingPartEnd[], CaptureEvent[]] = [[], [], []];
  const encoder = await findH264Encoder(ffmpeg);
  if (encoder === null) throw new Error('this ffmpeg has no H.264 encoder');
  const source = await openSource({
    ...{ id: 's', ffmpeg, pace: 'realtime', fieldOfView: 'none', recording: { type: 'encode', encoder } },
    ...{ analysis: { width: 32, height: 32, fps: 5 }, preview: { fps: 60, width: 160 } },
    ...options,
  });
  const recorder = new Recorder({
    folder,
    reorder: options.recording?.type === 'copy' ? 16 : 0,
    onStarted: (part) => started.push(part),
    onStopped: (end) => stopped.push(end),
    onFailure: (error) => {
      throw error;
    },
  });
  if (act === 'whole') source.setRecording(true);
  for await (const event of source) {
    events.push(event);
    if (act !== 'whole') act(source, event);
    if (event.type === 'recorded') recorder.push(event);
  }
  await recorder.stop();
  return { folder, started, stopped, events };
}

const packets = (events: readonly CaptureEvent[]): RecordedPacket[] => events.filter((event) => event.type === 'recorded');
const upFrom = (first: number, count: number): number[] => Array.from({ length: count }, (_, at) => first + at);
const msOf = (number: number): number => Math.round((number * 1000) / FPS);

describe.each(ffmpegs)('a recording with the %s ffmpeg', (_, ffmpeg) => {
  it('holds every frame of the source at its own time, also when it was cut off, and when it was made seekable', async () => {
    const { folder, started, stopped } = await record(ffmpeg, { source: join(clips.folder, 'numbered.mp4') }, 'whole');
    const path = join(folder, 'recording.mp4');
    const all = upFrom(0, 60).map((number) => ({ number, ms: msOf(number) }));
    expect(started).toEqual([{ file: 'recording.mp4', codec: 'h264', width: 320, height: 240, originPtsUs: 0 }]);
    expect(stopped).toMatchObject([{ frames: 60, durationMs: msOf(59), error: null }]);
    expect(readNumbers(ffmpeg.path, path)).toEqual(all);

    const cut = join(folder, 'cut.mp4');
    await copyFile(path, cut);
    const { fileBytes, wholeBytes, fragments, isSeekable } = await outlineOfMp4(path);
    expect([wholeBytes, isSeekable]).toEqual([fileBytes, false]);
    expect(fragments).toBeGreaterThan(6);
    truncateSync(cut, fileBytes - 100);
    expect(await makeSeekable(cut)).toBe(true);
    const left = readNumbers(ffmpeg.path, cut);
    expect(left).toEqual(all.slice(0, left.length));
    expect(left.length).toBeGreaterThan(60 - 0.3 * FPS);
    expect((await outlineOfMp4(cut)).isSeekable).toBe(true);

    expect(await makeSeekable(path)).toBe(true);
    expect(readNumbers(ffmpeg.path, path)).toEqual(all);
  });

  it('begins and ends while the source plays, without a gap in between, on the time of the pictures shown', async () => {
    let previews = 0;
    const { folder, started, events } = await record(ffmpeg, { source: join(clips.folder, 'numbered.mp4') }, (source, event) => {
      if (event.type !== 'preview') return;
      previews += 1;
      if (previews === 18) source.setRecording(true);
      if (previews === 50) source.setRecording(false);
    });
    const recorded = packets(events);
    const numbers = readNumbers(ffmpeg.path, join(folder, 'recording.mp4'));
    const first = numbers[0]?.number ?? -1;
    expect(first).toBeGreaterThanOrEqual(18);
    expect(first).toBeLessThan(45);
    expect(numbers.map(({ number }) => number)).toEqual(upFrom(first, numbers.length));
    expect(numbers.length).toBeGreaterThan(6);
    expect(recorded[0]?.keyframe).toBe(true);
    expect(started[0]?.originPtsUs).toBe(msOf(first) * 1000);
    // Recorded and shown frames meet in their times; a late consumer misses some of those shown.
    const times = new Set(recorded.map(({ ptsUs }) => ptsUs));
    expect(events.filter((event) => event.type === 'preview' && times.has(event.ptsUs)).length).toBeGreaterThan(3);
    expect(numbers.map(({ ms }) => ms + (started[0]?.originPtsUs ?? 0) / 1000)).toEqual(recorded.map(({ ptsUs }) => ptsUs / 1000));
  });

  it('never holds a frame by the mask of another geometry, and loses none of a file that changes', async () => {
    const options = { source: join(clips.folder, 'changing.mp4'), fieldOfView: 'auto', pace: 'fast' } as const;
    const { folder, started, stopped } = await record(ffmpeg, options, 'whole');
    expect(stopped.map(({ frames, goesOn }) => [frames, goesOn])).toEqual([
      [50, true],
      [50, false],
    ]);
    const [first, second] = started;
    expect([first!.originPtsUs, second!.originPtsUs]).toEqual([0, 2_000_000]);
    expect(Math.abs(first!.width - 400)).toBeLessThanOrEqual(8);
    expect(Math.abs(second!.width - 260)).toBeLessThanOrEqual(8);
    const words = ['-v', 'error', '-i', join(folder, first!.file), '-vf', 'crop=100:100:40:100,scale=1:1:flags=area,format=gray'];
    const lights = execFileSync(ffmpeg.path, [...words, '-vsync', '0', '-f', 'rawvideo', 'pipe:1']);
    expect(lights.length).toBe(50);
    // Where the second picture has its border, the first is lit to its last frame.
    expect(Math.min(...lights)).toBeGreaterThan(60);
  });

  it('goes on when the source changes its pixel format while it plays', async () => {
    const changing = join(clips.folder, 'formats.ts');
    const { events } = await record(ffmpeg, { source: changing }, (source, event) => {
      if (event.type === 'preview') source.setRecording(true);
    });
    const times = packets(events).map(({ ptsUs }) => ptsUs / 1000);
    expect(times.at(-1)).toBeGreaterThan(2300);
    // It takes ffmpeg a tenth of a second to hear the gate again.
    expect(Math.max(...times.slice(1).map((time, at) => time - (times[at] ?? 0)))).toBeLessThan(500);
  });

  it('can be a copy of the source, where nothing is hidden', async () => {
    const copy = { recording: { type: 'copy' }, keepBorders: true } as const;
    const { folder, stopped } = await record(ffmpeg, { source: join(clips.folder, 'reordered.mp4'), ...copy }, 'whole');
    expect(readNumbers(ffmpeg.path, join(folder, 'recording.mp4')).map(({ number }) => number)).toEqual(upFrom(0, 30));
    expect(stopped).toMatchObject([{ frames: 30, error: null }]);
    expect(await makeSeekable(join(folder, 'recording.mp4'))).toBe(true);
    expect(readNumbers(ffmpeg.path, join(folder, 'recording.mp4'))).toEqual(upFrom(0, 30).map((number) => ({ number, ms: msOf(number) })));
    const hiding = { ...copy, keepBorders: false, source: join(clips.folder, 'reordered.mp4') };
    await expect(record(ffmpeg, { ...hiding, fieldOfView: 'auto' }, 'whole')).rejects.toThrow(UsageError);
  });
});
