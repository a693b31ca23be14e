import { open, type FileHandle } from 'node:fs/promises';
import { LumenmarkError, messageOf, ModelError } from '../../common/errors.js';

/** A file read at arbitrary places. Offsets are plain numbers: exact up to 2^53 bytes. */
export interface RandomAccess {
  readonly path: string;
  readonly byteLength: number;
  /** @throws ModelError `checkpoint-damaged` when the range does not lie inside the file. */
  read(offset: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>>;
  close(): Promise<void>;
}

// One read(2) transfers at most 2 GiB less a page; larger ranges are read in pieces.
const LARGEST_READ = 2 ** 28;

/** @throws ModelError `checkpoint-unreadable` when the file is absent, a folder, or may not be read. */
export async function openRandomAccess(path: string): Promise<RandomAccess> {
  let handle: FileHandle | undefined;
  try {
    handle = await open(path, 'r');
    const stat = await handle.stat();
    if (!stat.isFile()) throw new Error('it is not a file');
    return new OpenFile(path, stat.size, handle);
  } catch (error) {
    await handle?.close();
    if (error instanceof LumenmarkError) throw error;
    throw new ModelError('checkpoint-unreadable', `${path} cannot be opened: ${messageOf(error)}.`, {
      cause: error,
      remedy: 'Give the path of an existing checkpoint file (.pth, .safetensors or .onnx) that you may read.',
    });
  }
}

class OpenFile implements RandomAccess {
  readonly path: string;
  readonly byteLength: number;
  readonly #handle: FileHandle;

  constructor(path: string, byteLength: number, handle: FileHandle) {
    this.path = path;
    this.byteLength = byteLength;
    this.#handle = handle;
  }

  async read(offset: number, byteLength: number): Promise<Uint8Array<ArrayBuffer>> {
    if (!Number.isSafeInteger(offset) || !Number.isSafeInteger(byteLength) || offset < 0 || byteLength < 0) {
      throw this.#outside(offset, byteLength);
    }
    if (offset + byteLength > this.byteLength) throw this.#outside(offset, byteLength);
    const bytes = new Uint8Array(byteLength);
    let done = 0;
    while (done < byteLength) {
      const { bytesRead } = await this.#handle.read(bytes, done, Math.min(LARGEST_READ, byteLength - done), offset + done);
      // The file was truncated after it was opened.
      if (bytesRead === 0) throw this.#outside(offset, byteLength);
      done += bytesRead;
    }
    return bytes;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }

  #outside(offset: number, byteLength: number): ModelError {
    return new ModelError(
      'checkpoint-damaged',
      `${this.path} is truncated: ${String(byteLength)} bytes at ${String(offset)} are asked for, the file has ${String(this.byteLength)}.`,
      { remedy: 'Download or copy the file again and compare its size and SHA-256 with the source.' },
    );
  }
}
