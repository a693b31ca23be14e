import { execFileSync, spawnSync } from 'node:child_process';

const BITS = 10;
const [WIDTH, HEIGHT] = [320, 240];

/** lavfi graph of a moving picture, 320x240, in which every frame carries its number (0…1023) as a row of light and dark boxes. */
export function numberedFrames(fps: number, seconds: number): string {
  const boxes = Array.from({ length: BITS }, (_, bit) => {
    const x = 32 * bit;
    return [
      `drawbox=${String(x)}:100:32:40:black:fill`,
      `drawbox=${String(x)}:100:32:40:white:fill:enable='mod(floor(n/${String(2 ** bit)}),2)'`,
    ];
  });
  return [`testsrc2=s=${String(WIDTH)}x${String(HEIGHT)}:r=${String(fps)}:d=${String(seconds)}`, 'format=yuv420p', ...boxes.flat()].join(
    ',',
  );
}

export interface NumberedFrame {
  readonly number: number;
  /** In the video's own time, ms. */
  readonly ms: number;
}

/** The numbers and times of all frames of a video made of `numberedFrames`, in the order of showing. */
export function readNumbers(ffmpegPath: string, path: string): NumberedFrame[] {
  const words = [
    '-hide_banner',
    '-nostdin',
    '-copyts',
    '-i',
    path,
    '-vf',
    'showinfo,format=gray',
    '-vsync',
    '0',
    '-f',
    'rawvideo',
    'pipe:1',
  ];
  const { stdout, stderr, status } = spawnSync(ffmpegPath, words, { maxBuffer: 2 ** 30 });
  if (status !== 0) throw new Error(stderr.toString('utf8'));
  const times = [...stderr.toString('utf8').matchAll(/ n: *\d+ .*?pts_time:(\S+)/g)].map(([, s]) => Math.round(Number(s) * 1000));
  return times.map((ms, at) => {
    const picture = stdout.subarray(at * WIDTH * HEIGHT);
    const bit = (k: number): number => ((picture[120 * WIDTH + 32 * k + 16] ?? 0) > 128 ? 1 : 0);
    return { ms, number: Array.from({ length: BITS }, (_, k) => bit(k) * 2 ** k).reduce((sum, value) => sum + value, 0) };
  });
}

export function makeNumberedClip(ffmpegPath: string, path: string, fps: number, seconds: number, ...encode: string[]): void {
  const words = [
    '-v',
    'error',
    '-nostdin',
    '-y',
    '-f',
    'lavfi',
    '-i',
    numberedFrames(fps, seconds),
    '-c:v',
    'libx264',
    '-preset',
    'ultrafast',
  ];
  execFileSync(ffmpegPath, [...words, '-pix_fmt', 'yuv420p', ...encode, path], { stdio: ['ignore', 'ignore', 'pipe'] });
}
