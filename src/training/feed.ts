import { mapInOrder } from '../common/map-in-order.js';
import { randomStream } from '../common/random.js';
import { augment, drawAugmentation, type AugmentationKind } from './augmentation.js';
import type { Pictures } from './pictures.js';
import type { Sampler } from './sampler.js';

/** One side of a data set. */
export interface PictureSide {
  readonly pictures: Pictures;
  /** Rows of `pictures` that belong to it. */
  readonly rows: readonly number[];
}

/** The labels of a side, in order. */
export function classesOf({ pictures, rows }: PictureSide): readonly string[] {
  return [...new Set(rows.map((row) => pictures.labels[row] ?? ''))].sort();
}

export interface Batch {
  /** Positions within the side. */
  readonly members: readonly number[];
  /** `[count, size, size, 3]` */
  readonly pixels: Uint8Array;
}

export interface FeedOptions {
  readonly side: PictureSide;
  readonly sampler: Sampler;
  readonly augment: AugmentationKind | 'none';
  readonly seed: number;
  readonly epoch: number;
  /** Batches of the epoch that are left out, because they are done. */
  readonly skip: number;
}

/** The batch at hand and the next one. */
const AHEAD = 2;

/** The batches of an epoch, each made while the one before is at work. A picture's augmentation depends on seed, epoch and picture alone. */
export function feed({ side, sampler, augment: kind, seed, epoch, skip }: FeedOptions): AsyncGenerator<Batch, void, undefined> {
  const { pictures, rows } = side;
  return mapInOrder(sampler.batches(epoch).slice(skip), AHEAD, async (members) => {
    const chosen = members.map((member) => rows[member] ?? 0);
    const pixels = await pictures.pixels.read(chosen);
    if (kind !== 'none') {
      const { size } = pictures;
      const length = pictures.pixels.rowBytes;
      chosen.forEach((row, place) => {
        const picture = pixels.subarray(place * length, (place + 1) * length);
        const change = drawAugmentation(randomStream(seed, 'augmentation', epoch, row), kind);
        picture.set(augment(picture, size, size, pictures.aspects[row] ?? 1, change));
      });
    }
    return { members, pixels };
  });
}
