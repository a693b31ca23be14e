import { readFile } from 'node:fs/promises';
import * as z from 'zod';
import { messageOf, UsageError } from '../../common/errors.js';

const names = z.array(z.coerce.string());
const LABELS = z.object({
  galleryLabels: names,
  queryLabels: names.optional(),
  /** Of each row: patient, examination, source. */
  galleryGroups: names.optional(),
  queryGroups: names.optional(),
});
export type EmbeddingLabels = z.output<typeof LABELS>;

/** Labels of embeddings that other software made. @throws UsageError when it is no such list. */
export async function readLabels(file: string): Promise<EmbeddingLabels> {
  try {
    return LABELS.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new UsageError('evaluate-labels', `${file}: is no list of labels (${messageOf(error).split('\n', 1)[0] ?? ''})`, {
      remedy: 'It must be JSON: {"galleryLabels": […], "queryLabels": […]}.',
      cause: error,
    });
  }
}

/** Rows of float32, normalised. @throws UsageError when they do not fit their labels, or are not finite. */
export async function readEmbeddingRows(file: string, dimension: number, count: number): Promise<Float32Array> {
  const bytes = await readFile(file).catch((error: unknown) => {
    throw new UsageError('evaluate-embeddings', `${file}: cannot be read (${messageOf(error)})`, {
      remedy: 'Check the path.',
      cause: error,
    });
  });
  if (bytes.length !== count * dimension * 4) {
    throw new UsageError('evaluate-embeddings', `${file}: has ${bytes.length} bytes, not ${count} rows of ${dimension} float32`, {
      remedy: 'Check --dim and the number of labels.',
    });
  }
  const rows = new Float32Array(new Uint8Array(bytes).buffer);
  for (let row = 0; row < count; row++) {
    const values = rows.subarray(row * dimension, (row + 1) * dimension);
    const norm = Math.sqrt(values.reduce((sum, value) => sum + value * value, 0));
    if (!Number.isFinite(norm) || norm === 0) {
      throw new UsageError('evaluate-embeddings', `${file}: row ${row} is zero or not finite`, { remedy: 'Embed that picture again.' });
    }
    // What is normalised already stays as it is, to the last bit.
    if (Math.abs(norm - 1) > 1e-5) values.set(values.map((value) => value / norm));
  }
  return rows;
}
