import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import { MediaError, messageOf } from '../common/errors.js';
import type { Ffmpeg } from './ffmpeg.js';
import { mp4Fragment, mp4Header, type VideoSample, type VideoTrack } from './fragmented-mp4.js';
import { redact } from './redact.js';

const TIMEOUT_MS = 20_000;
/** JPEG quality as ffmpeg counts: 2 is its best. */
const QUALITY = '2';

/**
 * The frame that is shown at `presentMs`, as JPEG in full size. `samples` begin with the key frame that it depends on.
 * @throws MediaError `still-failed` when it cannot be decoded.
 */
export function cutFrame(
  ffmpeg: Pick<Ffmpeg, 'path'>,
  track: VideoTrack,
  samples: readonly VideoSample[],
  presentMs: number,
): Promise<Buffer> {
  const video = Buffer.concat([mp4Header(track), ...mp4Fragment(1, samples, (samples.at(-1)?.decodeMs ?? 0) + 40)]);
  const words = [
    ...['-hide_banner', '-v', 'error', '-f', 'mp4', '-i', 'pipe:0'],
    ...['-vf', `select='gte(t,${((presentMs - 0.5) / 1000).toFixed(6)})'`, '-frames:v', '1'],
    ...['-c:v', 'mjpeg', '-pix_fmt', 'yuvj420p', '-q:v', QUALITY, '-f', 'image2pipe', 'pipe:1'],
  ];
  return new Promise((resolve, reject) => {
    const child = spawn(ffmpeg.path, words, {
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
      timeout: TIMEOUT_MS,
      killSignal: 'SIGKILL',
    });
    // A still is never worth a frame of the live picture.
    if (child.pid !== undefined) lowerPriority(child.pid);
    const picture: Buffer[] = [];
    let said = '';
    child.stdout.on('data', (chunk: Buffer) => picture.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (said = (said + chunk.toString('utf8')).slice(-2000)));
    // It may have what it needs before it has read all.
    child.stdin.on('error', () => undefined);
    child.once('error', (error) => {
      reject(new MediaError('still-failed', `The still cannot be made: ${messageOf(error)}.`, { cause: error }));
    });
    child.once('close', (code) => {
      const bytes = Buffer.concat(picture);
      if (code === 0 && bytes.length > 0) resolve(bytes);
      else reject(new MediaError('still-failed', 'The still cannot be cut from the recording: ffmpeg failed.', { cause: redact(said) }));
    });
    child.stdin.end(video);
  });
}

function lowerPriority(pid: number): void {
  try {
    setPriority(pid, 10);
  } catch {
    // It is gone already, or this system has no such thing.
  }
}
