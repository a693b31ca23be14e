import { join } from 'node:path';
import type { Pictures } from './pictures.js';
import { RowFile } from './row-file.js';
import type { TrainingStep } from './step.js';

/** The activations below the first trained block of every picture of a set, by backbone. */
export interface PictureCache {
  read(rows: readonly number[]): Promise<ReadonlyMap<string, Float32Array>>;
  close(): Promise<void>;
}

const BATCH = 16;

/**
 * Computes them once into files in `folder`. Null when the pixels themselves are needed, because everything from the patches on is trained.
 *
 * @throws ModelError `disk-full`
 */
export async function createCache(
  step: TrainingStep,
  pictures: Pictures,
  folder: string,
  options: { readonly signal?: AbortSignal; readonly onProgress?: (done: number, total: number) => void } = {},
): Promise<PictureCache | null> {
  if (step.activationLengths === null) return null;
  const files = new Map<string, RowFile>();
  const close = async (): Promise<void> => {
    for (const file of files.values()) await file.close();
  };
  try {
    for (const [name, length] of step.activationLengths) files.set(name, await RowFile.create(join(folder, `${name}.f32`), length * 4));
    const { count } = pictures.pixels;
    for (let from = 0; from < count; from += BATCH) {
      options.signal?.throwIfAborted();
      const rows = Array.from({ length: Math.min(BATCH, count - from) }, (_, place) => from + place);
      const computed = await step.activations(await pictures.pixels.read(rows), rows.length);
      for (const [name, file] of files) {
        const values = computed.get(name) ?? new Float32Array();
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        for (const place of rows.keys()) await file.append(bytes.subarray(place * file.rowBytes, (place + 1) * file.rowBytes));
      }
      options.onProgress?.(from + rows.length, count);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    close,
    async read(rows) {
      const entries = await Promise.all(
        [...files].map(async ([name, file]) => [name, new Float32Array((await file.read(rows)).buffer)] as const),
      );
      return new Map(entries);
    },
  };
}
