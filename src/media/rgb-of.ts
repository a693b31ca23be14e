import { spawn } from 'node:child_process';
import { findFfmpeg } from './ffmpeg.js';

/** ffmpeg's readers of single pictures that libvips cannot read. */
export type PictureReader = 'bmp_pipe' | 'jpeg_pipe' | 'jpegls_pipe' | 'j2k_pipe';

/** Pixels of an encoded picture as ffmpeg decodes them, RGB row by row. @throws Error with ffmpeg's first complaint. */
export async function rgbOf(
  bytes: Uint8Array,
  reader: PictureReader,
  options: { readonly ffmpegPath?: string; readonly signal?: AbortSignal } = {},
): Promise<Uint8Array<ArrayBuffer>> {
  const path = options.ffmpegPath ?? (await findFfmpeg()).path;
  return new Promise((resolve, reject) => {
    const input = ['-v', 'error', '-xerror', '-f', reader, '-i', 'pipe:0'];
    const child = spawn(path, [...input, '-frames:v', '1', '-f', 'rawvideo', '-pix_fmt', 'rgb24', 'pipe:1'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      windowsHide: true,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    });
    const out: Buffer[] = [];
    let complaint = '';
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => (complaint += chunk.toString()));
    // ffmpeg may close its end before it has read everything; its exit code tells.
    child.stdin.on('error', () => undefined);
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(new Uint8Array(Buffer.concat(out)));
      else reject(new Error(complaint.split('\n', 1)[0] ?? `ffmpeg ended with ${code}`));
    });
    child.stdin.end(bytes);
  });
}
