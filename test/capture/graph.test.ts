import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { captureArguments, type CapturePlan } from '../../src/capture/graph.js';
import { inputArguments, isLiveInput, resolveInput, type Input } from '../../src/capture/input.js';
import { maskBoxes, maskFor } from '../../src/capture/mask.js';
import type { FieldOfView } from '../../src/capture/frame.js';
import { rowSpans } from '../../src/media/row-spans.js';
import { MediaError } from '../../src/common/errors.js';
import { allFfmpegs, clipFolder } from '../support/ffmpegs.js';

const ffmpegs = await allFfmpegs();
const [[, first]] = ffmpegs as [(typeof ffmpegs)[number]];

const PLAN: CapturePlan = {
  gray: { width: 320, fps: null },
  preview: { fps: 30, width: 960, quality: 4 },
  analysis: { width: 224, height: 224, fps: null },
  recording: null,
  form: null,
  cut: { x: 10, y: 20, width: 200, height: 160 },
  mask: null,
  wholePreview: false,
  deinterlace: 'none',
  keepsTimes: true,
  paced: false,
  prompt: true,
  sinceUs: null,
};

/** A hexagon, so that no side but two is straight up and down. */
const HEXAGON: FieldOfView = {
  x: 40,
  y: 20,
  width: 160,
  height: 120,
  sourceWidth: 240,
  sourceHeight: 160,
  outline: [
    [80, 20],
    [160, 20],
    [200, 80],
    [160, 140],
    [80, 140],
    [40, 80],
  ],
};

describe('captureArguments', () => {
  it('sends the gray picture of the whole source before the cut pictures of the same frame, and ticks last', () => {
    const { roles, output } = captureArguments(PLAN, first);
    expect(roles).toEqual(['gray', 'preview', 'analysis', 'tick', 'tick']);
    const graph = output[output.indexOf('-filter_complex') + 1]!;
    const cut = graph.split(';').find((chain) => chain.includes('crop=200:160:10:20'))!;
    expect(cut).toMatch(/^\[seen\]/);
    expect(cut).toMatch(/\[w1\]\[w2\]$/);
  });

  it('leaves no picture uncut but gray and ticks, unless borders are kept', () => {
    const chainOf = (plan: CapturePlan): string => captureArguments(plan, first).output.find((word) => word.includes('[seen]'))!;
    expect(/;\[timed\][^;]*/.exec(chainOf(PLAN))![0]).toMatch(/\[seen\]\[w0\]\[w3\]\[w4\]$/);
    expect(/;\[timed\][^;]*/.exec(chainOf({ ...PLAN, wholePreview: true }))![0]).toMatch(/\[seen\]\[w0\]\[w1\]\[w3\]\[w4\]$/);
  });
});

describe('maskBoxes', () => {
  it('covers everything outside the outline and little inside', () => {
    const { width, height, outline = [], x, y } = HEXAGON;
    const covered = new Uint8Array(width * height);
    for (const box of maskBoxes(HEXAGON))
      for (let row = box.y; row < box.y + box.height; row += 1) covered.fill(1, row * width + box.x, row * width + box.x + box.width);
    const spans = rowSpans(
      outline.map(([px, py]) => [px - x, py - y] as const),
      width,
      height,
    );
    let inside = 0;
    for (let row = 0; row < height; row += 1) {
      for (let column = 0; column < width; column += 1) {
        const isInside = column >= spans[2 * row]! && column < spans[2 * row + 1]!;
        if (!isInside) expect(covered[row * width + column]).toBe(1);
        else inside += covered[row * width + column]!;
      }
    }
    expect(inside / (width * height)).toBeLessThan(0.03);
  });
});

describe.each(ffmpegs)('the filters of the %s ffmpeg', (_, ffmpeg) => {
  it('leave the colours of a live source alone, whatever its pixel format', () => {
    for (const pixelFormat of ['yuv420p', 'yuyv422', 'yuvj422p', 'bgr0', 'yuv422p10le', 'pal8']) {
      const form = { width: 240, height: 160, pixelAspect: 1, pixelFormat };
      const plan = { ...PLAN, gray: null, preview: null, form, cut: null };
      const { output } = captureArguments(plan, ffmpeg);
      const words = output.slice(0, output.indexOf('-map')).concat('-map', '[o0]', '-frames:v', '1', '-f', 'rawvideo', 'pipe:1');
      const input = ['-f', 'lavfi', '-i', `color=c=red:s=240x160:r=5:d=1,format=${pixelFormat}`];
      const ticks = ['-map', '[o1]', '-map', '[o2]', '-f', 'null', '-'];
      const bytes = execFileSync(ffmpeg.path, ['-v', 'error', '-nostdin', ...input, ...words, ...ticks], { maxBuffer: 2 ** 26 });
      const middle = 3 * (112 * 224 + 112);
      expect([...bytes.subarray(middle, middle + 3)].map((value) => Math.round(value / 64))).toEqual([4, 0, 0]);
    }
  });
});

describe.each(ffmpegs)('the mask with the %s ffmpeg', (_, ffmpeg) => {
  function expectMasked(type: 'picture' | 'boxes', input: readonly string[], form: CapturePlan['form'], frames: number): void {
    const mask = type === 'picture' ? maskFor(HEXAGON, ffmpeg)! : { type, boxes: maskBoxes(HEXAGON) };
    expect(mask.type).toBe(type);
    const { output } = captureArguments(
      { ...PLAN, gray: null, preview: null, prompt: false, form, cut: HEXAGON, analysis: { width: 160, height: 120, fps: null }, mask },
      ffmpeg,
    );
    const words = output.slice(0, output.indexOf('-f')).concat('-f', 'rawvideo', 'pipe:1');
    const bytes = execFileSync(ffmpeg.path, ['-v', 'error', '-nostdin', ...input, ...words], { maxBuffer: 2 ** 26 });
    expect(bytes.length).toBe(frames * 160 * 120 * 3);
    const spans = rowSpans(
      HEXAGON.outline!.map(([px, py]) => [px - 40, py - 20] as const),
      160,
      120,
    );
    for (let frame = 0; frame < frames; frame += 1) {
      let lit = 0;
      let outside = 0;
      for (let y = 0; y < 120; y += 1) {
        for (let x = 0; x < 160; x += 1) {
          const value = bytes[((frame * 120 + y) * 160 + x) * 3]!;
          // Chroma and scaling may blur one pixel.
          if ((x < spans[2 * y]! - 2 || x >= spans[2 * y + 1]! + 2) && value > outside) outside = value;
          if (value > 200) lit += 1;
        }
      }
      expect(outside).toBeLessThan(8);
      expect(lit / (160 * 120)).toBeGreaterThan(0.7);
    }
  }

  it.each(['picture', 'boxes'] as const)('blackens outside the outline from the first frame on, also before time zero (%s)', (type) => {
    // A white picture; its times begin a second before zero, as a file's with reordered frames may.
    expectMasked(type, ['-f', 'lavfi', '-copyts', '-i', 'color=c=white:s=240x160:r=5:d=2,setpts=PTS-1/TB'], null, 10);
  });

  it.each(['picture', 'boxes'] as const)('goes on when the source changes its pixel format and size (%s)', (type) => {
    const clips = clipFolder();
    try {
      const h264 = ['-c:v', 'libx264', '-preset', 'ultrafast', '-bf', '0'];
      const parts = ['240x160 yuv420p', '240x160 yuv422p', '480x320 yuv420p'].map((shape, part) => {
        const [size = '', format = ''] = shape.split(' ');
        const picture = `color=c=white:s=160x120:r=5:d=2,pad=240:160:40:20,scale=${size.replace('x', ':')}:flags=neighbor`;
        const white = ['-f', 'lavfi', '-i', picture, '-pix_fmt', format, ...h264];
        return readFileSync(clips.make(`${part}.ts`, ...white, '-output_ts_offset', String(2 * part)));
      });
      const changing = join(clips.folder, 'changing.ts');
      writeFileSync(changing, Buffer.concat(parts));
      expectMasked(type, ['-i', changing], { width: 240, height: 160, pixelAspect: 1, pixelFormat: 'yuv420p' }, 30);
    } finally {
      clips.remove();
    }
  });
});

describe('resolveInput', () => {
  it.each<[string, Partial<Input>]>([
    ['lavfi:testsrc=s=10x10', { kind: 'generated', address: 'testsrc=s=10x10' }],
    ['v4l2:/dev/video1', { kind: 'device', address: '/dev/video1', format: 'v4l2' }],
    ['v4l2:2', { kind: 'device', address: '/dev/video2' }],
    ['rtsp://u:p@host/x', { kind: 'stream', address: 'rtsp://u:p@host/x', label: 'rtsp://***@host/x' }],
    ['http://host/a.m3u8', { kind: 'stream' }],
    [import.meta.filename, { kind: 'file', address: `file:${import.meta.filename}`, label: 'graph.test.ts' }],
    [`file:${import.meta.filename}`, { kind: 'file', address: `file:${import.meta.filename}` }],
    [import.meta.dirname, { kind: 'stills' }],
  ])('%s', async (source, expected) => {
    if (source.startsWith('v4l2') && !first.capabilities.demuxers.has('v4l2')) return;
    const input = await resolveInput(source, first);
    expect(input).toMatchObject(expected);
    expect(isLiveInput(input)).toBe(input.kind === 'device' || input.kind === 'stream');
  });

  it('never repeats the credentials of an address that it takes for a path, or does not know', async () => {
    for (const source of ['ftp://doctor:geheim@host/a.mp4', 'htps://doctor:geheim@host/a', './rtsp://doctor:geheim@host/a']) {
      const refused = (await resolveInput(source, first).catch((error: unknown) => error)) as MediaError;
      expect(refused).toBeInstanceOf(MediaError);
      expect(refused.message + (refused.remedy ?? '')).not.toContain('geheim');
    }
  });

  it('asks devices and streams for low delay, and files for nothing from the network', () => {
    const words = (kind: Input['kind'], address: string, format?: string): string =>
      inputArguments(
        { kind, address, label: '', ...(format === undefined ? {} : { format }) },
        { fps: 25, size: '640x480', format: 'mjpeg' },
        first,
      ).options.join(' ');
    expect(words('device', '/dev/video0', 'v4l2')).toMatch(/-f v4l2 .*nobuffer.*-framerate 25 -video_size 640x480 -input_format mjpeg/);
    expect(words('stream', 'rtsp://h/x')).toMatch(/low_delay.*-rtsp_transport tcp -s?timeout \d+/);
    expect(words('file', 'file:/a.mp4')).toMatch(/^-protocol_whitelist file,crypto,data/);
    expect(inputArguments({ kind: 'stream', address: 'udp://@:1?a=1', label: '' }, undefined, first).address).toContain(
      '?a=1&overrun_nonfatal=1',
    );
  });
});
