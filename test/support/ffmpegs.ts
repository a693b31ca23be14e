import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findFfmpeg, packagedPath, type Ffmpeg } from '../../src/media/ffmpeg.js';

/** Every ffmpeg of this machine: the one on the PATH and the packaged one of 2018, which differ in nearly everything they print. */
export async function allFfmpegs(): Promise<[name: string, ffmpeg: Ffmpeg][]> {
  const found: [string, Ffmpeg][] = [];
  const packaged = packagedPath();
  if (packaged !== null) found.push(['packaged', await findFfmpeg({ path: packaged })]);
  const first = await findFfmpeg();
  if (first.path !== packaged) found.push([first.origin, first]);
  return found;
}

/** A folder for generated clips, and a way to make them: arguments of ffmpeg without the output. */
export function clipFolder(): { readonly folder: string; make(name: string, ...args: string[]): string; remove(): void } {
  const folder = mkdtempSync(join(tmpdir(), 'lumenmark-clips-'));
  const encoder = packagedPath() ?? 'ffmpeg';
  return {
    folder,
    make(name, ...args) {
      const path = join(folder, name);
      execFileSync(encoder, ['-v', 'error', '-nostdin', '-y', ...args, path], { stdio: ['ignore', 'ignore', 'pipe'] });
      return path;
    },
    remove() {
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** lavfi graph of a lit, moving rectangle on black: `WxH+X+Y` inside 640x480. */
export function litRectangle(width: number, height: number, x: number, y: number, options = ''): string {
  const right = 640 - x - width;
  const bottom = 480 - y - height;
  return [
    `testsrc2=s=640x480:r=25${options}`,
    'lutyuv=y=80+val/2',
    'format=yuv420p',
    `drawbox=0:0:${x}:480:black:fill`,
    `drawbox=${640 - right}:0:${right}:480:black:fill`,
    `drawbox=0:0:640:${y}:black:fill`,
    `drawbox=0:${480 - bottom}:640:${bottom}:black:fill`,
  ]
    .filter((filter) => !/drawbox=[^:]*:[^:]*:0:|:0:black/.test(filter))
    .join(',');
}
