import { randomStream, shuffled } from '../common/random.js';

export const ORDERS = ['shuffled', 'given'] as const;
export type Order = (typeof ORDERS)[number];

export interface SamplerOptions {
  /** Label of each picture. */
  readonly labels: readonly string[];
  readonly batchSize: number;
  /** `given`: consecutive pictures as they stand, for comparison with other software. Default `shuffled`. */
  readonly order?: Order;
  /** Pictures of one class in a shuffled batch, at least, as far as there are classes to fill it; default 4. */
  readonly perClass?: number;
  readonly seed: number;
}

/** Batches of picture positions. The batches of an epoch depend on the seed and the epoch alone, so that a resumed run draws the same. */
export interface Sampler {
  readonly stepsPerEpoch: number;
  batches(epoch: number): readonly (readonly number[])[];
}

const DEFAULT_PER_CLASS = 4;

/**
 * Draws batches in which each class has several pictures (P classes × K pictures), since triplets need both a positive and a negative.
 * Classes take turns, small ones as often as large ones; within a class its pictures do, and no picture stands twice in a batch. What does not
 * fill a last batch is left for another epoch.
 */
export function createSampler({ labels, batchSize, order = 'shuffled', perClass = DEFAULT_PER_CLASS, seed }: SamplerOptions): Sampler {
  const size = Math.min(batchSize, labels.length);
  const stepsPerEpoch = size === 0 ? 0 : Math.floor(labels.length / size);
  const classes = new Map<string, number[]>();
  labels.forEach((label, picture) => {
    const members = classes.get(label) ?? [];
    members.push(picture);
    classes.set(label, members);
  });

  const inOrder = (): number[][] =>
    Array.from({ length: stepsPerEpoch }, (_, step) => Array.from({ length: size }, (_unused, place) => step * size + place));

  function drawn(epoch: number): number[][] {
    const random = randomStream(seed, 'batches', epoch);
    const members = endlessly((names: readonly string[]) => shuffled(random, names), [...classes.keys()]);
    const queues = new Map(
      [...classes].map(([label, pictures]) => [label, endlessly((all: readonly number[]) => shuffled(random, all), pictures)]),
    );
    return Array.from({ length: stepsPerEpoch }, () => {
      const shares = shareOut(classes, () => members.next().value, size, perClass);
      return [...shares].flatMap(([label, count]) => takeDifferent(queues.get(label), count));
    });
  }

  return { stepsPerEpoch, batches: (epoch) => (order === 'given' ? inOrder() : drawn(epoch)) };
}

/** How many pictures each class gives to one batch: `perClass` of the next classes in turn, and what is still free one by one. */
function shareOut(
  classes: ReadonlyMap<string, readonly number[]>,
  nextClass: () => string,
  size: number,
  perClass: number,
): ReadonlyMap<string, number> {
  const shares = new Map<string, number>();
  let free = size;
  const wanted = Math.min(classes.size, Math.max(2, Math.floor(size / perClass)));
  for (let tries = 0; shares.size < wanted && tries < 4 * classes.size; tries++) {
    const label = nextClass();
    if (shares.has(label)) continue;
    const count = Math.min(perClass, classes.get(label)?.length ?? 0, free);
    shares.set(label, count);
    free -= count;
  }
  while (free > 0) {
    const before = free;
    for (const [label, count] of shares) {
      if (free === 0 || count >= (classes.get(label)?.length ?? 0)) continue;
      shares.set(label, count + 1);
      free -= 1;
    }
    if (free < before) continue;
    // The classes drawn are exhausted; others have to help.
    const other = [...classes].find(([label]) => !shares.has(label));
    if (other === undefined) break;
    shares.set(other[0], 0);
  }
  return shares;
}

/** The next `count` pictures of a queue; where its round ends within a batch, the new round must not bring one of them again. */
function takeDifferent(queue: Iterator<number, never> | undefined, count: number): number[] {
  const taken = new Set<number>();
  while (queue !== undefined && taken.size < count) taken.add(queue.next().value);
  return [...taken];
}

/** The items in a new order each round. */
function* endlessly<T>(order: (items: readonly T[]) => readonly T[], items: readonly T[]): Generator<T, never> {
  for (;;) yield* order(items);
}
