import { randomStream, shuffled } from '../common/random.js';
import type { PictureSide } from './feed.js';
import type { PictureCache } from './picture-cache.js';
import type { Parameters, RunningStatistics, TrainingStep } from './step.js';
import type { Embedded } from './validation.js';

export interface EmbedContext {
  readonly step: TrainingStep;
  readonly parameters: Parameters;
  readonly running: RunningStatistics | null;
  readonly cache: PictureCache | null;
  readonly signal?: AbortSignal | undefined;
}

const BATCH = 32;

/** Embeds a side as inference would. Null when it was interrupted. */
export async function embedSide({ pictures, rows }: PictureSide, context: EmbedContext): Promise<Embedded | null> {
  const { step, parameters, running, cache, signal } = context;
  const embeddings = new Float32Array(rows.length * step.dimension);
  for (let from = 0; from < rows.length; from += BATCH) {
    if (signal?.aborted === true) return null;
    const chosen = rows.slice(from, from + BATCH);
    const input = cache === null ? { pixels: await pictures.pixels.read(chosen) } : { activations: await cache.read(chosen) };
    embeddings.set(await step.embed(input, chosen.length, parameters, running), from * step.dimension);
  }
  return { embeddings, labels: rows.map((row) => pictures.labels[row] ?? '') };
}

/** At most `most` positions, of each label its share, drawn by the seed; ascending. */
export function stratified(labels: readonly string[], most: number, seed: number): number[] {
  const all = labels.map((_, position) => position);
  if (all.length <= most) return all;
  const order = shuffled(randomStream(seed, 'gallery'), all);
  const ranks = new Map<string, number>();
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  // The n-th of a label's m pictures stands at n/m: cut off anywhere, every label keeps its share.
  const keyed = order.map((position) => {
    const label = labels[position] ?? '';
    const rank = ranks.get(label) ?? 0;
    ranks.set(label, rank + 1);
    return { position, key: (rank + 0.5) / (counts.get(label) ?? 1) };
  });
  return keyed
    .sort((a, b) => a.key - b.key)
    .slice(0, most)
    .map(({ position }) => position)
    .sort((a, b) => a - b);
}
