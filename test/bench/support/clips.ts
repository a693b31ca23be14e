import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Ffmpeg } from '../../../src/media/ffmpeg.js';

/** A noisy H.264 clip of an HD endoscope's size: 1280×1024, 30 fps, 10 Mbit/s. Returns its path. */
export async function makeClip(ffmpeg: Ffmpeg, folder: string, seconds: number, size = '1280x1024'): Promise<string> {
  const path = join(folder, `clip-${size}-${String(seconds)}.mp4`);
  if (existsSync(path)) return path;
  const picture = `gradients=size=${size}:rate=30:duration=${String(seconds)}:c0=0x7a3a30:c1=0xd08a70:speed=0.02,noise=alls=12:allf=t`;
  const encode = [
    '-c:v',
    'libx264',
    '-preset',
    'veryfast',
    '-b:v',
    '10M',
    '-maxrate',
    '12M',
    '-bufsize',
    '20M',
    '-pix_fmt',
    'yuv420p',
    path,
  ];
  await promisify(execFile)(ffmpeg.path, ['-v', 'error', '-y', '-f', 'lavfi', '-i', picture, ...encode]);
  return path;
}
