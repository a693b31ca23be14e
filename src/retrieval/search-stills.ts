import type { Embedder, QualityMeasures } from '../inference/embedder.js';
import { mapInOrder } from '../common/map-in-order.js';
import { embedPictures, PREPARE_CONCURRENCY } from './embed-pictures.js';
import type { Gallery } from './gallery.js';
import type { Match } from './match.js';
import { prepareStill, type PreparedStill, type UnreadableStill } from './prepared-stills.js';
import type { FieldOfViewMode } from './still-pixels.js';

export interface StillMatch {
  readonly path: string;
  readonly sha256: string;
  readonly match: Match;
  readonly quality: QualityMeasures | null;
}

export interface SearchStillsOptions {
  /** Neighbours per picture; default: what the gallery was calibrated with. */
  readonly k?: number;
  /** Default: what the gallery was built with. */
  readonly fieldOfView?: FieldOfViewMode;
  readonly signal?: AbortSignal;
}

/** Matches picture files with a gallery, in their order; what cannot be read comes back with its reason. */
export async function* searchStills(
  gallery: Gallery,
  embedder: Embedder,
  paths: readonly string[],
  options: SearchStillsOptions = {},
): AsyncGenerator<StillMatch | UnreadableStill, void, undefined> {
  const { preprocessing, model } = gallery.manifest;
  const prepared = mapInOrder(paths, PREPARE_CONCURRENCY, (path) =>
    prepareStill('', path, {
      size: model.input,
      fieldOfView: options.fieldOfView ?? preprocessing.fieldOfView,
      thumbnail: false,
      ...(options.signal === undefined ? {} : { signal: options.signal }),
    }),
  );
  // An unreadable picture must come out in its place, but has nothing to embed.
  const unreadable: UnreadableStill[] = [];
  const before = new Map<string, number>();
  async function* readable(): AsyncGenerator<PreparedStill, void, undefined> {
    for await (const still of prepared) {
      if ('reason' in still) {
        unreadable.push(still);
      } else {
        before.set(still.path, unreadable.length);
        yield still;
      }
    }
  }

  let told = 0;
  for await (const { item, batch } of embedPictures(embedder, readable())) {
    for (const end = before.get(item.path) ?? 0; told < end; told++) {
      const still = unreadable[told];
      if (still !== undefined) yield still;
    }
    const match = gallery.match(batch.embeddings, options.k === undefined ? {} : { k: options.k });
    yield { path: item.path, sha256: item.sha256, match, quality: batch.quality[0] ?? null };
  }
  yield* unreadable.slice(told);
}
