import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { detectFieldOfView } from '../support/detect-field-of-view.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { probeInput } from '../../src/media/probe.js';
import { decodeStill } from '../../src/media/stills.js';
import { createProcedure } from '../../src/phantom/frames.js';
import { processorScreen } from '../../src/phantom/screen.js';
import { writeStills } from '../../src/phantom/stills.js';
import { parseTruth } from '../../src/phantom/truth.js';
import { writeVideo } from '../../src/phantom/video.js';
import { draw, SMALL } from './support.js';

let directory = '';
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'lumenmark-phantom-'));
});
afterAll(() => rm(directory, { recursive: true, force: true }));

describe('a simulated video', () => {
  it('is H.264 of the asked size with one line of truth per frame', async () => {
    const ffmpeg = await findFfmpeg();
    const procedure = createProcedure({ ...SMALL, durationS: 4, width: 128, height: 96, fps: 10 });
    const written = await writeVideo(procedure, { directory: join(directory, 'video'), ffmpeg });
    expect(written.frames).toBe(40);
    expect(await readdir(join(directory, 'video'))).toEqual(['truth.ndjson', 'video.mp4']);
    expect(parseTruth(await readFile(written.truth, 'utf8'))).toEqual(procedure.truth);
    const facts = await probeInput(ffmpeg, {
      inputOptions: [],
      input: written.video,
      context: { label: 'the video', kind: 'file', ffmpegVersion: ffmpeg.version },
    });
    expect(facts).toMatchObject({ codec: 'h264', fps: 10, durationUs: 4_000_000, width: 128, height: 96 });
  });

  it('leaves nothing half done when it is stopped, and says so', async () => {
    const ffmpeg = await findFfmpeg();
    const stop = new AbortController();
    const target = join(directory, 'stopped');
    const writing = writeVideo(createProcedure({ ...SMALL, durationS: 30 }), {
      directory: target,
      ffmpeg,
      signal: stop.signal,
      onFrame: (done) => {
        if (done === 2) stop.abort();
      },
    });
    await expect(writing).rejects.toThrow(/abort/i);
    expect(await readdir(target)).toEqual([]);
  });

  it('leaves a video alone that is there already, unless it may be replaced', async () => {
    const ffmpeg = await findFfmpeg();
    const target = join(directory, 'there');
    const procedure = createProcedure({ ...SMALL, durationS: 1 });
    await writeVideo(procedure, { directory: target, ffmpeg });
    await writeFile(join(target, 'video.mp4'), 'mine');
    const again = writeVideo(procedure, { directory: target, ffmpeg, replace: false });
    await expect(again).rejects.toMatchObject({ name: 'UsageError', code: 'out-exists' });
    expect(await readFile(join(target, 'video.mp4'), 'utf8')).toBe('mine');
    expect(await readdir(target)).toEqual(['truth.ndjson', 'video.mp4']);
  });

  it('tells what ffmpeg said when it cannot encode', async () => {
    const writing = writeVideo(createProcedure({ ...SMALL, durationS: 2 }), {
      directory: join(directory, 'no'),
      ffmpeg: { path: '/nonexistent/ffmpeg' },
    });
    await expect(writing).rejects.toMatchObject({ code: 'phantom-encoding-failed', message: expect.stringContaining('ENOENT') as unknown });
  });
});

describe('the simulated processor screen', () => {
  it('writes invented names beside the field of view, and our own detection leaves them out', async () => {
    const options = { ...SMALL, width: 320, height: 256, disturbances: ['processor-screen'] as const };
    const pictures = (await draw(options, [60, 100, 140, 180])).map(({ pixels }) => lumaOf(pixels));
    const { fieldOfView } = processorScreen(320, 256, options.seed);
    const written = pictures[0]!.some((value, index) => value > 150 && index % 320 < fieldOfView.x);
    expect(written).toBe(true);
    const found = detectFieldOfView(pictures, 320, 256)!;
    expect(found.x).toBeGreaterThanOrEqual(fieldOfView.x - 2);
    expect(found.x + found.width).toBeLessThanOrEqual(fieldOfView.x + fieldOfView.width + 2);
    expect(found.width).toBeGreaterThan(fieldOfView.width * 0.9);
  });
});

describe('simulated stills', () => {
  it('lie in a folder per class, are named after the patient, and keep a patient on one side of a split', async () => {
    const target = join(directory, 'stills');
    const written = await writeStills({
      directory: target,
      classes: ['pylorus', 'cecum', 'out-of-body'],
      perClass: 2,
      patients: 2,
      seed: 50,
      width: 96,
      height: 96,
      disturbances: ['out-of-body'],
      split: [0.5, 0, 0.5],
    });
    expect(written.map(({ path }) => path).sort()).toEqual([
      'test/cecum/patient-51-01.png',
      'test/out-of-body/patient-51-01.png',
      'test/pylorus/patient-51-01.png',
      'train/cecum/patient-50-01.png',
      'train/out-of-body/patient-50-01.png',
      'train/pylorus/patient-50-01.png',
    ]);
    for (const { label, truth } of written) expect(label === 'out-of-body' ? truth.site : truth.landmark).toBe(label);
  });

  it('are PNG files that decode to the pixels drawn', async () => {
    const target = join(directory, 'pixels');
    const [still] = await writeStills({
      directory: target,
      classes: ['antrum'],
      perClass: 1,
      patients: 1,
      seed: 9,
      width: 96,
      height: 96,
      disturbances: [],
    });
    const [frame] = await draw({ ...SMALL, seed: 9, durationS: 120, fps: 10 }, [still!.truth.frame]);
    const decoded = await decodeStill(join(target, still!.path));
    expect(decoded).toMatchObject({ width: 96, height: 96 });
    expect(Buffer.compare(Buffer.from(decoded.pixels), Buffer.from(frame!.pixels))).toBe(0);
  });

  it('are of out-of-body where they are asked for, whatever the disturbances', async () => {
    const shape = { width: 32, height: 32, disturbances: [], patients: 2, seed: 60, perClass: 2 };
    const written = await writeStills({ directory: join(directory, 'outside'), classes: ['out-of-body'], ...shape });
    expect(written.map(({ truth }) => truth.site)).toEqual(['out-of-body', 'out-of-body']);
  });

  it('are fewer where a patient shows a landmark in fewer frames, rather than the same picture twice', async () => {
    const threads = 1;
    const shape = { width: 32, height: 32, disturbances: [], patients: 1, seed: 1101, threads };
    const written = await writeStills({ directory: join(directory, 'few'), classes: ['appendiceal-orifice'], perClass: 400, ...shape });
    const frames = written.map(({ truth }) => truth.frame);
    expect(frames.length).toBeGreaterThan(0);
    expect(frames.length).toBeLessThan(400);
    expect(new Set(frames).size).toBe(frames.length);
  });

  it('refuse a class that no tract has, and name those that there are', async () => {
    const asked = writeStills({
      directory,
      classes: ['polyps'],
      perClass: 1,
      patients: 1,
      seed: 1,
      width: 96,
      height: 96,
      disturbances: [],
    });
    await expect(asked).rejects.toMatchObject({
      name: 'UsageError',
      message: expect.stringContaining('polyps') as unknown,
      remedy: expect.stringContaining('pylorus') as unknown,
    });
  });
});

function lumaOf(pixels: Uint8ClampedArray): Uint8Array {
  return Uint8Array.from(
    { length: pixels.length / 3 },
    (_, index) => 0.3 * pixels[index * 3]! + 0.59 * pixels[index * 3 + 1]! + 0.11 * pixels[index * 3 + 2]!,
  );
}
