import { createWriteStream } from 'node:fs';
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { isDiskFull } from '../common/errors.js';
import { HttpError } from './problem.js';

export interface Upload {
  /** Path on the server, to be opened as a source. */
  readonly source: string;
  readonly name: string;
  readonly bytes: number;
}

const LONGEST_NAME = 120;

/** A file name that means nothing to a file system or to ffmpeg but itself: no separators, no patterns, no dots in front. */
function safeName(name: string): string {
  const harmless = name.replace(/[^\p{L}\p{N} ._()+-]/gu, '_').replace(/^[. -]+/, '');
  return harmless === '' ? 'video' : harmless.slice(-LONGEST_NAME);
}

/**
 * Videos dropped on the page, in a folder of their own that goes when the server does. Together they never take more than
 * `maxBytes`: an older one makes room for a newer.
 */
export class Uploads {
  readonly #maxBytes: number;
  #folder: Promise<string> | null = null;
  #kept: Upload[] = [];
  #count = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** @throws HttpError 413 when the file is larger than allowed, 400 when its end is missing. */
  async receive(request: IncomingMessage, name: string): Promise<Upload> {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > this.#maxBytes) throw this.#tooLarge(name);
    await this.#makeRoom(announced);
    this.#folder ??= mkdtemp(join(tmpdir(), 'lumenmark-uploads-'));
    // A folder for each, so that the name that people see is the one they gave.
    const folder = join(await this.#folder, String(++this.#count));
    await mkdir(folder);
    const source = join(folder, safeName(name));
    let bytes = 0;
    const counter = new Transform({
      transform: (chunk: Buffer, _encoding, done) => {
        bytes += chunk.length;
        if (bytes > this.#maxBytes) done(this.#tooLarge(name));
        else done(null, chunk);
      },
    });
    try {
      await pipeline(request, counter, createWriteStream(source, { mode: 0o600 }));
    } catch (error) {
      await rm(folder, { recursive: true, force: true });
      if (error instanceof HttpError) throw error;
      if (isDiskFull(error)) {
        const remedy = 'Make room on the disk of the temporary folder, or copy the file elsewhere on the server and open it by its path.';
        throw new HttpError(507, 'disk-full', `There is no room left on the server for "${name}".`, { cause: error, remedy });
      }
      throw new HttpError(400, 'upload-broken', `The upload of "${name}" ended before its end.`, {
        cause: error,
        remedy: 'Send it again.',
      });
    }
    if (bytes === 0) {
      await rm(folder, { recursive: true, force: true });
      throw new HttpError(400, 'upload-empty', `"${name}" is empty.`, { remedy: 'Choose a file that holds a video.' });
    }
    const upload = { source, name, bytes };
    this.#kept.push(upload);
    return upload;
  }

  async dispose(): Promise<void> {
    const folder = this.#folder;
    this.#folder = null;
    this.#kept = [];
    if (folder !== null) await rm(await folder, { recursive: true, force: true });
  }

  async #makeRoom(bytes: number): Promise<void> {
    let taken = this.#kept.reduce((sum, upload) => sum + upload.bytes, 0);
    while (this.#kept.length > 0 && taken + bytes > this.#maxBytes) {
      const [oldest] = this.#kept.splice(0, 1);
      if (oldest === undefined) return;
      taken -= oldest.bytes;
      // Windows refuses while it plays; it then goes with the folder.
      await rm(dirname(oldest.source), { recursive: true, force: true }).catch(() => undefined);
    }
  }

  #tooLarge(name: string): HttpError {
    const limit = `${(this.#maxBytes / 2 ** 30).toFixed(1)} GiB`;
    const remedy = 'Copy the file to the server and open it by its path.';
    return new HttpError(413, 'upload-too-large', `"${name}" is larger than ${limit}, the limit for uploads.`, { remedy });
  }
}
