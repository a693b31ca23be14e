import { open, rm, type FileHandle } from 'node:fs/promises';

/** Squashed pictures kept on disk between two passes of inference, since they would not fit into memory. */
export class PixelSpool {
  readonly #file: string;
  readonly #handle: FileHandle;
  readonly #bytesEach: number;
  #count = 0;

  private constructor(file: string, handle: FileHandle, bytesEach: number) {
    this.#file = file;
    this.#handle = handle;
    this.#bytesEach = bytesEach;
  }

  /** @param bytesEach Length of every picture. */
  static async create(file: string, bytesEach: number): Promise<PixelSpool> {
    return new PixelSpool(file, await open(file, 'w+'), bytesEach);
  }

  async append(pixels: Uint8Array): Promise<void> {
    const at = this.#count++;
    await this.#handle.write(pixels, 0, this.#bytesEach, at * this.#bytesEach);
  }

  /** In the order in which they were appended; each owns its buffer. */
  async *read(): AsyncGenerator<Uint8Array<ArrayBuffer>, void, undefined> {
    for (let at = 0; at < this.#count; at++) {
      const pixels = new Uint8Array(this.#bytesEach);
      await this.#handle.read(pixels, 0, this.#bytesEach, at * this.#bytesEach);
      yield pixels;
    }
  }

  async dispose(): Promise<void> {
    await this.#handle.close();
    await rm(this.#file, { force: true });
  }
}
