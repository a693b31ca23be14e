import { UMAP } from 'umap-js';
import { seededRandom } from '../common/random.js';
import { turnTaker } from '../common/turns.js';
import type { Gallery } from './gallery.js';

/** A place on the map, in units that mean nothing. */
export interface MapPoint {
  readonly exemplar: number;
  readonly x: number;
  readonly y: number;
}

export interface MapOptions {
  /** Most exemplars on the map; a seeded sample of more. */
  readonly maxExemplars?: number;
  /** These are on the map in any case. */
  readonly always?: readonly number[];
  readonly seed?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number) => void;
}

const NEIGHBOURS = 15;

/**
 * A map of the gallery in two dimensions on which near exemplars lie near each other: UMAP (McInnes 2018) over the gallery's own
 * nearest neighbours by cosine distance. The same gallery and seed give the same map.
 */
export async function mapGallery(gallery: Gallery, options: MapOptions = {}): Promise<MapPoint[]> {
  const { maxExemplars = 4000, always = [], seed = 1, signal } = options;
  const chosen = sample(gallery.exemplars.length, maxExemplars, new Set(always), seed);
  const { dimension } = gallery.manifest.model;
  const rows = chosen.map((exemplar) => [...gallery.embeddings.subarray(exemplar * dimension, (exemplar + 1) * dimension)]);
  const umap = new UMAP({
    nComponents: 2,
    nNeighbors: Math.min(NEIGHBOURS, Math.max(1, chosen.length - 1)),
    minDist: 0.1,
    random: seededRandom(seed),
    distanceFn: (a, b) => {
      let dot = 0;
      for (let at = 0; at < a.length; at++) dot += (a[at] ?? 0) * (b[at] ?? 0);
      return Math.max(0, 1 - dot);
    },
  });
  const epochs = umap.initializeFit(rows);
  const turn = turnTaker(signal);
  for (let epoch = 0; epoch < epochs; epoch++) {
    umap.step();
    options.onProgress?.((epoch + 1) / epochs);
    await turn();
  }
  const layout = umap.getEmbedding();
  return chosen.map((exemplar, at) => ({ exemplar, x: layout[at]?.[0] ?? 0, y: layout[at]?.[1] ?? 0 }));
}

function sample(count: number, most: number, always: ReadonlySet<number>, seed: number): number[] {
  const all = Array.from({ length: count }, (_, exemplar) => exemplar);
  if (count <= most) return all;
  const random = seededRandom(seed);
  const order = all.map((exemplar) => ({ exemplar, rank: always.has(exemplar) ? -1 : random() })).sort((a, b) => a.rank - b.rank);
  return order
    .slice(0, most)
    .map(({ exemplar }) => exemplar)
    .sort((a, b) => a - b);
}
