import { spawn } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import sharp from 'sharp';
import { seededRandom } from '../../src/common/random.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';
import { buildGallery } from '../../src/retrieval/build-gallery.js';

const WIDTH = 192;
const HEIGHT = 160;
const FPS = 20;

/** Patterns that nobody could confuse, in the colours of an endoscopy. */
const PATTERNS = {
  pylorus: (x: number, y: number, phase: number): number => Math.sin(Math.hypot(x, y) * 26 + phase),
  'z-line': (x: number, y: number, phase: number): number => Math.sign(Math.sin((x + 0.2 * y) * 5 + phase)),
  duodenum: (x: number, y: number, phase: number): number => Math.sin(x * 22 + phase) * Math.sin(y * 22),
} as const;
const COLOURS = { pylorus: [190, 95, 80], 'z-line': [215, 140, 120], duodenum: [200, 130, 60] } as const;
export type TinyLandmark = keyof typeof PATTERNS;

/** A lit disc with the pattern of a landmark, turned and shifted by the seed; RGB. */
function picture(landmark: TinyLandmark, seed: number): Buffer {
  const random = seededRandom(seed);
  const phase = random() * 6;
  const turn = (random() - 0.5) * 0.4;
  const gain = 0.85 + random() * 0.3;
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let row = 0; row < HEIGHT; row++) {
    for (let column = 0; column < WIDTH; column++) {
      const u = (column - WIDTH / 2) / (HEIGHT / 2);
      const v = (row - HEIGHT / 2) / (HEIGHT / 2);
      if (Math.hypot(u, v) > 0.95) continue;
      const x = u * Math.cos(turn) - v * Math.sin(turn);
      const y = u * Math.sin(turn) + v * Math.cos(turn);
      const light = gain * (0.75 + 0.25 * PATTERNS[landmark](x, y, phase)) + (random() - 0.5) * 0.06;
      COLOURS[landmark].forEach((level, channel) => {
        pixels[(row * WIDTH + column) * 3 + channel] = Math.min(255, Math.max(24, level * light));
      });
    }
  }
  return pixels;
}

/**
 * A gallery of the three landmarks, fourteen pictures each, for the built-in model. Returns its folder.
 * @param fieldOfView As the video will be looked at: `none` where its borders are kept.
 */
export async function makeGallery(folder: string, fieldOfView: 'auto' | 'none' = 'auto'): Promise<string> {
  const pictures = join(folder, 'pictures');
  for (const landmark of Object.keys(PATTERNS) as TinyLandmark[]) {
    mkdirSync(join(pictures, landmark), { recursive: true });
    for (let seed = 0; seed < 14; seed++) {
      const image = sharp(picture(landmark, 1000 + seed), { raw: { width: WIDTH, height: HEIGHT, channels: 3 } });
      await image.png().toFile(join(pictures, landmark, `${String(seed)}.png`));
    }
  }
  const out = join(folder, 'gallery');
  await buildGallery({ directory: pictures, out, model: descriptors(), fieldOfView });
  return out;
}

export interface TinyVisit {
  readonly landmark: TinyLandmark;
  readonly seconds: number;
}

/** A video that shows one landmark after the other, each frame a little different. Returns its path. */
export async function makeVideo(
  folder: string,
  visits: readonly TinyVisit[] = [
    { landmark: 'pylorus', seconds: 4 },
    { landmark: 'z-line', seconds: 4 },
  ],
): Promise<string> {
  const { path } = await findFfmpeg();
  const video = join(folder, 'video.mp4');
  const input = ['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${String(WIDTH)}x${String(HEIGHT)}`, '-r', String(FPS), '-i', 'pipe:0'];
  const ffmpeg = spawn(path, ['-v', 'error', '-y', ...input, '-c:v', 'mpeg4', '-q:v', '2', video], {
    stdio: ['pipe', 'inherit', 'inherit'],
  });
  let seed = 5000;
  for (const { landmark, seconds } of visits) {
    const views = Array.from({ length: 8 }, () => picture(landmark, seed++));
    for (let frame = 0; frame < seconds * FPS; frame++) {
      const view = views[Math.floor(frame / 4) % views.length]!;
      if (!ffmpeg.stdin.write(view)) await once(ffmpeg.stdin, 'drain');
    }
  }
  ffmpeg.stdin.end();
  const [code] = (await once(ffmpeg, 'close')) as [number];
  if (code !== 0) throw new Error(`ffmpeg ended with ${String(code)}`);
  return video;
}
