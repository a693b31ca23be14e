import type { Embedder, QualityMeasures } from '../inference/embedder.js';
import { embedStills } from './embed-stills.js';
import type { EmbeddingCache } from './embedding-cache.js';
import type { Gallery } from './gallery.js';
import type { Match } from './match.js';
import type { UnreadableStill } from './prepared-stills.js';
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
  /** Embeddings of earlier runs. Default none. */
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
}

/** Matches picture files with a gallery, in their order; what cannot be read comes back with its reason. */
export async function* searchStills(
  gallery: Gallery,
  embedder: Embedder,
  paths: readonly string[],
  options: SearchStillsOptions = {},
): AsyncGenerator<StillMatch | UnreadableStill, void, undefined> {
  const { k, cache, signal } = options;
  const embedded = embedStills(embedder, paths, {
    directory: '',
    fieldOfView: options.fieldOfView ?? gallery.manifest.preprocessing.fieldOfView,
    ...(cache === undefined ? {} : { cache }),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const still of embedded) {
    if ('reason' in still) yield still;
    else {
      const match = gallery.match(still.embedding, k === undefined ? {} : { k });
      yield { path: still.path, sha256: still.sha256, match, quality: still.quality };
    }
  }
}
