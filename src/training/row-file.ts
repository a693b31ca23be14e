import { open, type FileHandle } from 'node:fs/promises';
import { messageOf, ModelError } from '../common/errors.js';
import { diskFull } from '../models/files.js';
import { dirname } from 'node:path';

/**
 * Rows of equal length in one file: pictures `[count, height, width, 3]`, or activations. The system's cache holds what fits into memory, so
 * that a set may be larger than that.
 */
export class RowFile {
  readonly path: string;
  readonly rowBytes: number;
  readonly #handle: FileHandle;
  #count: number;

  private constructor(path: string, rowBytes: number, handle: FileHandle, count: number) {
    this.path = path;
    this.rowBytes = rowBytes;
    this.#handle = handle;
    this.#count = count;
  }

  /** An empty file in the place of any that is there. */
  static async create(path: string, rowBytes: number): Promise<RowFile> {
    return new RowFile(path, rowBytes, await open(path, 'w+').catch((error: unknown) => unusable(path, error)), 0);
  }

  /** A file that exists, for reading. @throws ModelError `training-pixels` when it cannot be read or is no whole number of rows. */
  static async open(path: string, rowBytes: number): Promise<RowFile> {
    const handle = await open(path, 'r').catch((error: unknown) => unusable(path, error));
    const { size } = await handle.stat();
    if (size > 0 && size % rowBytes === 0) return new RowFile(path, rowBytes, handle, size / rowBytes);
    await handle.close();
    throw new ModelError('training-pixels', `${path} has ${size} bytes, which is no multiple of the ${rowBytes} of one picture.`, {
      remedy: 'Give the size of the raw pixels with --width and --height.',
    });
  }

  get count(): number {
    return this.#count;
  }

  /** @throws ModelError `disk-full` */
  async append(row: Uint8Array): Promise<void> {
    if (row.byteLength !== this.rowBytes) throw new TypeError(`A row has ${this.rowBytes} bytes, not ${row.byteLength}`);
    try {
      await this.#handle.write(row, 0, row.byteLength, this.#count * this.rowBytes);
    } catch (error) {
      throw diskFull(error, dirname(this.path)) ?? error;
    }
    this.#count += 1;
  }

  /** The rows one after the other, in the order asked for. */
  async read(rows: readonly number[]): Promise<Uint8Array<ArrayBuffer>> {
    const bytes = new Uint8Array(rows.length * this.rowBytes);
    await Promise.all(rows.map((row, place) => this.#handle.read(bytes, place * this.rowBytes, this.rowBytes, row * this.rowBytes)));
    return bytes;
  }

  async close(): Promise<void> {
    await this.#handle.close();
  }
}

function unusable(path: string, error: unknown): never {
  throw new ModelError('training-pixels', `${path} cannot be opened: ${messageOf(error)}.`, { cause: error, remedy: 'Check the path.' });
}
