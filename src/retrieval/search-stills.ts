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
  /** L2-normalised. */
  readonly embedding: Float32Array;
  /** JPEG of the field of view; null when it was not asked for. */
  readonly thumbnail: Uint8Array | null;
}

export interface SearchStillsOptions {
  /** Default: what the gallery was built with. */
  readonly fieldOfView?: FieldOfViewMode;
  /** Also make thumbnails. Default false. */
  readonly thumbnail?: boolean;
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
  const { cache, signal } = options;
  const embedded = embedStills(embedder, paths, {
    directory: '',
    fieldOfView: options.fieldOfView ?? gallery.manifest.preprocessing.fieldOfView,
    ...(options.thumbnail === undefined ? {} : { thumbnail: options.thumbnail }),
    ...(cache === undefined ? {} : { cache }),
    ...(signal === undefined ? {} : { signal }),
  });
  for await (const still of embedded) {
    if ('reason' in still) yield still;
    else {
      const match = gallery.match(still.embedding);
      const { path, sha256, quality, embedding, thumbnail } = still;
      yield { path, sha256, match, quality, embedding, thumbnail };
    }
  }
}
