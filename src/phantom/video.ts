import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaError, UsageError } from '../common/errors.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { bytesOf } from './effects/video-chain.js';
import type { Procedure } from './frames.js';
import { formatTruth } from './truth.js';
import { writeWhole } from './write-whole.js';

export interface WriteVideoOptions {
  readonly directory: string;
  readonly ffmpeg: Pick<Ffmpeg, 'path'>;
  /** Worker threads that draw. Default 1. */
  readonly threads?: number;
  /** Constant rate factor of H.264: 0 lossless … 51 worst. Default 23. */
  readonly crf?: number;
  /** Whether a video that is there already may be written over. Default true. */
  readonly replace?: boolean;
  readonly onFrame?: (done: number, of: number) => void;
  readonly signal?: AbortSignal;
}

export interface WrittenVideo {
  readonly video: string;
  readonly truth: string;
  readonly frames: number;
}

/**
 * Draws a procedure into `video.mp4` (H.264, 4:2:0) and `truth.ndjson` (one line per frame). Neither appears before it is whole.
 * @throws MediaError `phantom-encoding-failed`; UsageError `out-exists`; errors of the file system.
 */
export async function writeVideo(procedure: Procedure, options: WriteVideoOptions): Promise<WrittenVideo> {
  const { directory, signal } = options;
  await mkdir(directory, { recursive: true });
  const video = join(directory, 'video.mp4');
  const truth = join(directory, 'truth.ndjson');
  const part = join(directory, 'video.part.mp4');
  const truthPart = join(directory, 'truth.part.ndjson');
  if (options.replace === false && existsSync(video))
    throw new UsageError('out-exists', `${video}: is there already`, { remedy: 'Name another folder, or remove it.' });
  // Before hours of drawing: can it be written at all?
  await writeWhole(truthPart, formatTruth(procedure.truth));
  const encoder = spawn(options.ffmpeg.path, encoderArguments(procedure, options.crf ?? 23, part), { stdio: ['pipe', 'ignore', 'pipe'] });
  let complaint = '';
  encoder.stderr.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000);
  });
  // A broken pipe is told by the exit code, with the encoder's own words.
  encoder.stdin.on('error', () => undefined);
  const exited = new Promise<number | null>((resolve) => {
    encoder.once('error', (error) => {
      complaint = error.message;
      resolve(null);
    });
    encoder.once('close', resolve);
  });
  try {
    let done = 0;
    for await (const { pixels } of procedure.render({ threads: options.threads ?? 1, ...(signal === undefined ? {} : { signal }) })) {
      if (encoder.exitCode !== null) break;
      // Where the encoder has gone, nothing drains; why, its exit tells.
      if (!encoder.stdin.write(bytesOf(pixels))) await Promise.race([once(encoder.stdin, 'drain').catch(() => exited), exited]);
      options.onFrame?.(++done, procedure.truth.length);
    }
    encoder.stdin.end();
    const code = await exited;
    // Ctrl-C reaches the encoder too.
    signal?.throwIfAborted();
    if (code !== 0) {
      throw new MediaError(
        'phantom-encoding-failed',
        `ffmpeg could not encode the simulated video: ${complaint.trim().split('\n').at(-1) ?? 'no reason given'}`,
        { remedy: remedyFor(complaint) },
      );
    }
    await rename(truthPart, truth);
    await rename(part, video).catch(async (error: unknown) => {
      await rm(truth, { force: true });
      throw error;
    });
    return { video, truth, frames: procedure.truth.length };
  } finally {
    // Not asked politely: it would wait for the rest of its input, and what it has written is thrown away.
    if (encoder.exitCode === null) encoder.kill('SIGKILL');
    await exited;
    for (const file of [part, truthPart]) await rm(file, { force: true });
  }
}

function remedyFor(complaint: string): string {
  if (/no space left|quota/i.test(complaint)) return 'Make room, or name a place on another disk.';
  if (/permission denied|read-only/i.test(complaint)) return 'Check who may write there, or name another place.';
  return 'Check with `lumenmark doctor` that ffmpeg has libx264, or name another with --ffmpeg.';
}

function encoderArguments({ options }: Procedure, crf: number, file: string): string[] {
  const { width, height, fps } = options;
  return [
    ...['-v', 'error', '-nostdin', '-y'],
    ...['-f', 'rawvideo', '-pix_fmt', 'rgb24', '-s', `${width}x${height}`, '-r', String(fps), '-i', 'pipe:0'],
    ...['-an', '-c:v', 'libx264', '-preset', 'medium', '-crf', String(crf), '-pix_fmt', 'yuv420p', '-g', String(Math.round(fps * 2))],
    // One thread and no stamps: the same frames give the same file from the same encoder.
    ...['-threads', '1', '-fflags', '+bitexact', '-flags:v', '+bitexact', '-map_metadata', '-1', '-movflags', '+faststart'],
    file,
  ];
}
