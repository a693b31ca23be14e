import { MediaError, ModelError } from '../common/errors.js';
import { sha256Of } from '../common/sha256.js';
import type { Embedder } from '../inference/embedder.js';
import type { Gallery } from './gallery.js';
import type { Match, Neighbour } from './match.js';
import { Nearest } from './nearest.js';
import { similarity } from './exact-index.js';
import { prepareLoaded } from './prepared-stills.js';

export interface PictureMatch {
  readonly match: Match;
  /** Nearest first: of the gallery, or of the label that was asked for. */
  readonly neighbours: readonly Neighbour[];
  /** JPEG of what was compared: the field of view. */
  readonly thumbnail: Uint8Array;
}

export interface SearchPictureOptions {
  /** What to call the picture in errors. */
  readonly name: string;
  /** Neighbours wanted. */
  readonly k: number;
  /** Only neighbours of this label. */
  readonly label?: string;
  readonly signal?: AbortSignal;
}

/**
 * Matches one picture, given as the bytes of its file, with a gallery.
 * @throws MediaError when the picture cannot be read; ModelError when the model fails on it.
 */
export async function searchPicture(
  gallery: Gallery,
  embedder: Embedder,
  bytes: Uint8Array<ArrayBuffer>,
  options: SearchPictureOptions,
): Promise<PictureMatch> {
  const { name, k, label, signal } = options;
  const { input } = gallery.model;
  const still = await prepareLoaded(
    { path: name, bytes, sha256: sha256Of(bytes) },
    { size: input, fieldOfView: gallery.manifest.preprocessing.fieldOfView, thumbnail: true, ...(signal === undefined ? {} : { signal }) },
  );
  if ('reason' in still) {
    throw new MediaError('still-unreadable', `${name}: ${still.reason}`, { remedy: 'Use a jpg, png, tif, webp, bmp or DICOM picture.' });
  }
  const { embeddings } = await embedder.embed({ count: 1, ...input, pixels: still.pixels });
  if (!embeddings.every(Number.isFinite)) {
    throw new ModelError('model-embedding', `${gallery.model.name}: gave an embedding that is not finite for ${name}`, {
      remedy: 'Check the model: lumenmark models verify.',
    });
  }
  const match = gallery.match(embeddings);
  const neighbours = shownNeighbours(gallery, embeddings, match, { k, ...(label === undefined ? {} : { label }) });
  return { match, neighbours, thumbnail: still.thumbnail ?? new Uint8Array() };
}

/**
 * As many neighbours as somebody wants to see, of the gallery or of one label. The answer of the vote is that of `match` however many they
 * are: threshold and vote were calibrated with a k of their own.
 */
export function shownNeighbours(
  gallery: Gallery,
  embedding: Float32Array,
  match: Match,
  { k, label }: { readonly k: number; readonly label?: string },
): readonly Neighbour[] {
  if (label !== undefined) return nearestOfLabel(gallery, embedding, label, k);
  return k <= match.neighbours.length ? match.neighbours.slice(0, k) : gallery.match(embedding, { k }).neighbours;
}

/** The nearest exemplars of one label, however far down the ranking they stand. Exact. */
function nearestOfLabel(gallery: Gallery, embedding: Float32Array, label: string, k: number): Neighbour[] {
  const nearest = new Nearest(k);
  for (const [exemplar, candidate] of gallery.exemplars.entries()) {
    if (candidate.label !== label) continue;
    const near = similarity(gallery.embeddings, exemplar, embedding);
    if (near > nearest.floor) nearest.add(exemplar, near);
  }
  return nearest.hits().map((hit) => ({ ...hit, label }));
}
