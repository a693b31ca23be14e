import { copyFileSync, mkdirSync, readFileSync, truncateSync, writeFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AnalysisFrame, CaptureEvent, FieldOfViewChange, FrameSource, PreviewFrame, SourceState } from '../../src/capture/frame.js';
import { openSource, type SourceOptions } from '../../src/capture/source.js';
import type { Ffmpeg } from '../../src/media/ffmpeg.js';
import { allFfmpegs, clipFolder, litRectangle } from '../support/ffmpegs.js';
import { describeWithShared, sharedPath } from '../support/shared.js';

const ffmpegs = await allFfmpegs();
const clips = clipFolder();
const H264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-pix_fmt', 'yuv420p'];

interface Taken {
  readonly source: FrameSource;
  readonly previews: PreviewFrame[];
  readonly analyses: AnalysisFrame[];
  readonly states: SourceState[];
  readonly fieldsOfView: FieldOfViewChange[];
}

async function take(
  options: Partial<SourceOptions> & { source: string; ffmpeg: Ffmpeg },
  stop?: (taken: Taken) => boolean,
): Promise<Taken> {
  const source = await openSource({
    id: 's',
    analysis: { width: 32, height: 24, fps: null },
    preview: { fps: 100, width: 320 },
    pace: 'fast',
    fieldOfView: 'none',
    ...options,
  });
  const taken: Taken = { source, previews: [], analyses: [], states: [], fieldsOfView: [] };
  const put: Record<CaptureEvent['type'], (event: never) => void> = {
    preview: (event: PreviewFrame) => taken.previews.push(event),
    analysis: (event: AnalysisFrame) => taken.analyses.push(event),
    state: (event: SourceState) => taken.states.push(event),
    'field-of-view': (event: FieldOfViewChange) => taken.fieldsOfView.push(event),
    recorded: () => undefined,
    'recording-unavailable': () => undefined,
  };
  for await (const event of source) {
    put[event.type](event as never);
    if (stop?.(taken) === true) break;
  }
  return taken;
}

const key = ({ frameId, ptsUs }: PreviewFrame | AnalysisFrame): string => `${frameId}@${ptsUs}`;

async function gray(jpeg: Uint8Array): Promise<{ at: (x: number, y: number) => number; width: number; height: number }> {
  const { data, info } = await sharp(jpeg).greyscale().raw().toBuffer({ resolveWithObject: true });
  return { at: (x, y) => data[y * info.width + x]!, width: info.width, height: info.height };
}

beforeAll(() => {
  clips.make('plain.mp4', '-f', 'lavfi', '-i', 'testsrc2=s=320x240:r=25:d=2', ...H264, '-g', '25', '-bf', '2', '-movflags', '+faststart');
  clips.make('mpeg4.avi', '-f', 'lavfi', '-i', 'testsrc2=s=322x242:r=25:d=1', '-c:v', 'mpeg4', '-q:v', '3');
  const interlaced = [
    '-vf',
    'tinterlace=interleave_top,fieldorder=tff,setsar=16/15',
    '-flags',
    '+ilme+ildct',
    '-c:v',
    'mpeg2video',
    '-b:v',
    '6M',
  ];
  clips.make('i576.mpg', '-f', 'lavfi', '-i', 'testsrc2=s=720x576:r=50:d=1', ...interlaced);
  clips.make('uneven.mkv', '-f', 'lavfi', '-i', "testsrc2=s=320x240:r=50:d=2,select='lt(mod(n\\,7)\\,3)'", '-vsync', 'vfr', ...H264);
  clips.make('rotated.mp4', '-i', join(clips.folder, 'plain.mp4'), '-c', 'copy', '-metadata:s:v', 'rotate=90');
  clips.make('audio.m4a', '-f', 'lavfi', '-i', 'sine=d=1');
  clips.make('first.mp4', '-f', 'lavfi', '-i', `${litRectangle(400, 400, 120, 40)},trim=duration=2`, ...H264);
  clips.make('second.mp4', '-f', 'lavfi', '-i', `${litRectangle(240, 200, 340, 200)},trim=duration=2`, ...H264);
  writeFileSync(join(clips.folder, 'list.txt'), 'file first.mp4\nfile second.mp4\nfile first.mp4\n');
  clips.make('changing.mp4', '-f', 'concat', '-i', join(clips.folder, 'list.txt'), '-c', 'copy');
  const plain = join(clips.folder, 'plain.mp4');
  const cut = join(clips.folder, 'cut.mp4');
  copyFileSync(plain, cut);
  truncateSync(cut, Math.round(statSync(plain).size * 0.6));
  writeFileSync(join(clips.folder, 'no-index.mp4'), readFileSync(join(clips.folder, 'first.mp4')).subarray(0, 20_000));
  writeFileSync(join(clips.folder, 'zero.mp4'), '');
  mkdirSync(join(clips.folder, 'empty'));
  copyFileSync(plain, join(clips.folder, '-odd: name %d.mp4'));
});
afterAll(() => {
  clips.remove();
});

describe.each(ffmpegs)('openSource with the %s ffmpeg', (_, ffmpeg) => {
  const clip = (name: string): string => join(clips.folder, name);

  it('gives every frame of a file twice, preview and analysis paired, as fast as it is consumed', async () => {
    const { previews, analyses, states, fieldsOfView, source } = await take({ ffmpeg, source: clip('plain.mp4') });
    expect(analyses.map(({ frameId }) => frameId)).toEqual(Array.from({ length: 50 }, (_unused, index) => index));
    expect(analyses.map(({ ptsUs }) => ptsUs)).toEqual(Array.from({ length: 50 }, (_unused, index) => index * 40_000));
    expect(previews.map(key)).toEqual(analyses.map(key));
    expect(states.map(({ state }) => state)).toEqual(['connecting', 'running', 'ended']);
    expect(fieldsOfView).toHaveLength(1);
    expect(source).toMatchObject({ live: false, label: 'plain.mp4', droppedFrames: 0 });
    expect(analyses[0]!.pixels.length).toBe(32 * 24 * 3);
    expect(analyses[0]!.pixels.buffer.byteLength).toBe(32 * 24 * 3);
  });

  it('thins preview and analysis independently, on frames that exist', async () => {
    const { previews, analyses } = await take({
      ffmpeg,
      source: clip('plain.mp4'),
      preview: { fps: 10, width: 160 },
      analysis: { width: 8, height: 8, fps: 5 },
    });
    expect(previews.length).toBe(20);
    expect(analyses.length).toBe(10);
    for (const { ptsUs } of [...previews, ...analyses]) expect(ptsUs % 40_000).toBe(0);
    const times = new Map([...previews, ...analyses].map(({ frameId, ptsUs }) => [frameId, ptsUs]));
    expect(new Set(times.values()).size).toBe(times.size);
  });

  it.each(['mpeg4.avi', 'i576.mpg', 'uneven.mkv', '-odd: name %d.mp4'])('plays %s', async (name) => {
    const { previews, analyses, states } = await take({ ffmpeg, source: clip(name) });
    expect(analyses.length).toBeGreaterThan(20);
    expect(previews.map(key)).toEqual(analyses.map(key));
    expect(states.at(-1)).toEqual({ type: 'state', state: 'ended', reconnects: 0 });
    const times = analyses.map(({ ptsUs }) => ptsUs);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
  });

  it('shows square pixels of an anamorphic source, and a rotated one upright', async () => {
    const anamorphic = await take({ ffmpeg, source: clip('i576.mpg'), preview: { fps: 100, width: 1000 } });
    const wide = await gray(anamorphic.previews[0]!.jpeg);
    expect([wide.width, wide.height]).toEqual([768, 576]);
    const rotated = await take({ ffmpeg, source: clip('rotated.mp4') });
    expect(rotated.fieldsOfView[0]!.fieldOfView).toMatchObject({ sourceWidth: 240, sourceHeight: 320 });
  });

  it('deinterlaces what is flagged as interlaced', async () => {
    const combing = async (deinterlace: 'auto' | 'off'): Promise<number> => {
      const { previews } = await take({ ffmpeg, source: clip('i576.mpg'), deinterlace, preview: { fps: 100, width: 2000, quality: 2 } });
      const { at, width, height } = await gray(previews[12]!.jpeg);
      let sum = 0;
      for (let y = 2; y < height - 2; y += 1)
        for (let x = 0; x < width; x += 3) sum += Math.abs(2 * at(x, y) - at(x, y - 1) - at(x, y + 1));
      return sum;
    };
    expect(await combing('auto')).toBeLessThan(0.8 * (await combing('off')));
  });

  it('delivers a truncated file up to the damage and says so', async () => {
    const { analyses, states } = await take({ ffmpeg, source: clip('cut.mp4') });
    expect(analyses.length).toBeGreaterThan(10);
    expect(analyses.length).toBeLessThan(50);
    expect(states.at(-1)).toMatchObject({ state: 'ended', detail: expect.stringContaining('damaged') as string });
  });

  it.each([
    ['missing.mp4', 'file-missing'],
    ['zero.mp4', 'file-empty'],
    ['no-index.mp4', 'incomplete-file'],
    ['audio.m4a', 'no-video'],
    ['empty', 'no-stills'],
  ])('refuses %s when it is opened (%s)', async (name, code) => {
    const refusal = take({ ffmpeg, source: clip(name) });
    await expect(refusal).rejects.toMatchObject({ code });
    await expect(refusal).rejects.toHaveProperty('remedy', expect.any(String));
  });

  it('refuses what this ffmpeg cannot read, with the binary named', async () => {
    await expect(take({ ffmpeg, source: 'dshow:Card' })).rejects.toMatchObject({
      code: 'format-unsupported',
      message: expect.stringContaining(ffmpeg.path) as string,
    });
    if (!ffmpeg.capabilities.protocols.has('srt'))
      await expect(take({ ffmpeg, source: 'srt://u:pw@127.0.0.1:1' })).rejects.toMatchObject({
        code: 'protocol-unsupported',
        message: expect.not.stringContaining('pw') as string,
      });
    await expect(take({ ffmpeg, source: clip('plain.mp4'), fieldOfView: '320x240+2+0' })).rejects.toMatchObject({ code: 'invalid-option' });
  });

  it('cuts to a fixed field of view', async () => {
    const { previews, fieldsOfView } = await take({ ffmpeg, source: clip('plain.mp4'), fieldOfView: '100x80+20+30' });
    expect(fieldsOfView[0]!.fieldOfView).toEqual({ x: 20, y: 30, width: 100, height: 80, sourceWidth: 320, sourceHeight: 240 });
    const { width, height } = await gray(previews[0]!.jpeg);
    expect([width, height]).toEqual([100, 80]);
  });

  it('finds the field of view before anything else leaves, and again when the geometry changes, without losing or repeating a frame', async () => {
    const { previews, analyses, fieldsOfView, states } = await take({ ffmpeg, source: clip('changing.mp4'), fieldOfView: 'auto' });
    expect(states.map(({ state }) => state)).toEqual(['connecting', 'searching-field-of-view', 'running', 'ended']);
    expect(analyses.map(({ frameId }) => frameId)).toEqual(Array.from({ length: 150 }, (_unused, index) => index));
    expect(analyses.map(({ ptsUs }) => ptsUs)).toEqual(Array.from({ length: 150 }, (_unused, index) => index * 40_000));
    expect(previews.map(key)).toEqual(analyses.map(key));
    const sizes = fieldsOfView.map(({ fieldOfView: { width, height } }) => [width, height]);
    const near = (size: number[], width: number, height: number): boolean =>
      Math.abs(size[0]! - width) <= 6 && Math.abs(size[1]! - height) <= 6;
    expect(sizes.filter((size) => near(size, 240, 200))).toHaveLength(1);
    expect(sizes.filter((size) => near(size, 400, 400))).toHaveLength(2);
    // No preview shows a border: each was cut to the geometry of its own time.
    for (const { jpeg, ptsUs } of previews.filter(({ frameId }) => frameId % 10 === 5)) {
      const picture = await gray(jpeg);
      const wanted = ptsUs < 2e6 || ptsUs >= 4e6 ? 1 : 240 / 200;
      expect(Math.abs(picture.width / picture.height - wanted)).toBeLessThan(0.05);
    }
  });

  it('loops with rising times until it is disposed of', async () => {
    const { analyses } = await take({ ffmpeg, source: clip('plain.mp4'), loop: true }, ({ analyses: seen }) => seen.length >= 130);
    const times = analyses.map(({ ptsUs }) => ptsUs);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    expect(times.at(-1)).toBeGreaterThan(4.5e6);
  });

  it('loops through changes of geometry at the pace of the file', async () => {
    const { analyses, fieldsOfView } = await take(
      { ffmpeg, source: clip('changing.mp4'), fieldOfView: 'auto', loop: true, preview: null },
      ({ analyses: seen }) => seen.length >= 330,
    );
    const times = analyses.map(({ ptsUs }) => ptsUs);
    expect(times).toEqual([...new Set(times)].sort((a, b) => a - b));
    expect(Math.abs(times.at(-1)! - 329 * 40_000)).toBeLessThan(200_000);
    expect(fieldsOfView.length).toBeGreaterThanOrEqual(4);
  });

  it('lets a paced file play like a live source', async () => {
    const { source, analyses, states } = await take({ ffmpeg, source: clip('mpeg4.avi'), pace: 'realtime' });
    expect(source.live).toBe(true);
    expect(analyses.length + source.droppedFrames).toBe(25);
    expect(states.at(-1)?.state).toBe('ended');
  });

  it('makes ffmpeg wait for a slow consumer, and ends at once when told to', async () => {
    const controller = new AbortController();
    const source = await openSource({
      id: 's',
      ffmpeg,
      source: 'lavfi:testsrc2=s=640x480:r=25',
      analysis: { width: 224, height: 224, fps: null },
      preview: null,
      pace: 'fast',
      fieldOfView: 'none',
      signal: controller.signal,
    });
    let frames = 0;
    let lastPtsUs = 0;
    for await (const event of source) {
      if (event.type !== 'analysis') continue;
      frames += 1;
      lastPtsUs = event.ptsUs;
      if (frames === 5) await new Promise((resolve) => setTimeout(resolve, 500));
      if (frames === 40) controller.abort();
    }
    // Nothing was skipped over the pause, and hardly anything was made beyond what was taken.
    expect(lastPtsUs).toBe((frames - 1) * 40_000);
    expect(frames).toBeLessThan(60);
  });
});

describe('openSource', () => {
  it('refuses options by name', async () => {
    const [[, ffmpeg]] = ffmpegs as [[string, Ffmpeg]];
    await expect(take({ ffmpeg, source: 'x', analysis: { width: 0, height: 1, fps: null } })).rejects.toThrow(/analysis\.width/);
    await expect(take({ ffmpeg, source: 'x', preview: { fps: NaN, width: 100 } })).rejects.toThrow(/preview\.fps/);
    await expect(take({ ffmpeg, source: 'x', fieldOfView: '1x1+0+0' })).rejects.toThrow(/fieldOfView/);
    await expect(take({ ffmpeg, source: 'x', input: { size: '12' } })).rejects.toThrow(/input\.size/);
    await expect(take({ ffmpeg, source: ' ' })).rejects.toThrow(/source/);
  });

  it('plays a folder of stills in natural order, each with its own field of view, and names those it cannot read', async () => {
    const [[, ffmpeg]] = ffmpegs as [[string, Ffmpeg]];
    const folder = join(clips.folder, 'stills');
    mkdirSync(folder);
    const still = (width: number, height: number, left: number, red: number): Promise<Buffer> =>
      sharp({ create: { width, height, channels: 3, background: 'black' } })
        .composite([
          { input: { create: { width: width - left, height, channels: 3, background: { r: red, g: 80, b: 60 } } }, left, top: 0 },
        ])
        .png()
        .toBuffer();
    writeFileSync(join(folder, 'a10.png'), await still(320, 240, 0, 250));
    writeFileSync(join(folder, 'a2.png'), await still(200, 160, 60, 150));
    writeFileSync(join(folder, 'broken.jpg'), 'no picture');
    const { analyses, previews, fieldsOfView, states } = await take({ ffmpeg, source: folder, fieldOfView: 'auto' });
    expect(analyses.map(({ pixels }) => Math.round(pixels[0]! / 10))).toEqual([15, 25]);
    expect(previews.map(key)).toEqual(analyses.map(key));
    expect(fieldsOfView.map(({ fieldOfView: { x, width } }) => [x, width])).toEqual([
      [60, 140],
      [0, 320],
    ]);
    expect(states.at(-1)).toMatchObject({ state: 'ended', detail: expect.stringContaining('broken.jpg') as string });
  });
});

describeWithShared('openSource on real endoscopy', () => {
  it.each(ffmpegs)('hides the date beside the circle, but not the letters inside (%s)', async (_, ffmpeg) => {
    const taken = await take(
      { ffmpeg, source: sharedPath('data/video/gastroscopy-1.mp4'), fieldOfView: 'auto', preview: { fps: 30, width: 700, quality: 2 } },
      ({ previews }) => previews.length >= 40,
    );
    const { x, y, width, height } = taken.fieldsOfView[0]!.fieldOfView;
    expect([x, y, width, height].map((value, index) => Math.abs(value - [26, 38, 614, 468][index]!)).every((off) => off <= 4)).toBe(true);
    const picture = await gray(taken.previews[39]!.jpeg);
    let beside = 0;
    for (let row = 42; row < 76; row += 1)
      for (let column = 0; column < 26; column += 1) beside = Math.max(beside, picture.at(column, row));
    expect(beside).toBeLessThan(40);
    let letters = 0;
    for (let row = 70; row < 145; row += 1)
      for (let column = 165; column < 300; column += 1) letters = Math.max(letters, picture.at(column, row));
    expect(letters).toBeGreaterThan(220);
  });

  it.each([
    ['gastroscopy-1.mp4', 609],
    ['colonoscopy-2-mpeg4.mp4', 103],
  ])('keeps one field of view and every frame of %s', async (name, frames) => {
    const [[, ffmpeg]] = ffmpegs as [[string, Ffmpeg]];
    const { analyses, fieldsOfView } = await take({ ffmpeg, source: sharedPath('data/video', name), fieldOfView: 'auto', preview: null });
    expect(analyses).toHaveLength(frames);
    expect(fieldsOfView).toHaveLength(1);
  });
});
