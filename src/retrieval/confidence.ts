import type { Neighbour } from './match.js';

/** Neighbours that the confidence looks at. */
export const CONFIDENCE_NEIGHBOURS = 5;
/** How much of what is usual around the neighbours is taken off. */
const USUAL_SHARE = 0.5;

/** What `confidenceOf` computes, for the manifest. */
export const CONFIDENCE_NAME =
  'mean similarity of the 5 nearest − ½ mean of their own density, in standard deviations from what is usual for the best class';
/** Pictures that the average of all classes counts as, when what is usual for a class is estimated. */
const USUAL_WEIGHT = 5;
/** Classes of copies must not make every other picture infinitely far. */
const LEAST_DEVIATION = 0.01;

/**
 * How near a query is to the gallery, whatever the class: a similarity that is high where exemplars lie close together says less than
 * the same similarity where they lie apart, so half of the neighbours' own density is taken off.
 *
 * Chosen on 482 real stills of 17 classes, cross-fitted: it parts pictures of held from pictures of left-out classes with an AUROC of
 * 0.76 (with the usual of the class taken off 0.78; each class counted alike 0.71), the similarity of the nearest exemplar with 0.73,
 * entropy and margin of the vote with 0.61.
 * @param densityOf Mean similarity of an exemplar to its own nearest ones.
 */
export function nearnessOf(neighbours: readonly Neighbour[], densityOf: (exemplar: number) => number): number {
  const near = neighbours.slice(0, CONFIDENCE_NEIGHBOURS);
  if (near.length === 0) return -1;
  return near.reduce((sum, { exemplar, similarity }) => sum + similarity - USUAL_SHARE * densityOf(exemplar), 0) / near.length;
}

/** How near a class's own pictures usually are to the gallery. */
export interface UsualNearness {
  readonly mean: number;
  readonly deviation: number;
}

/**
 * Learns it, for each of `labels`, from pictures whose class is known and was recognised. Small classes are drawn towards the average of all.
 */
export function learnUsualNearness(
  recognised: readonly { readonly label: string; readonly nearness: number }[],
  labels: Iterable<string>,
): Readonly<Record<string, UsualNearness>> {
  const byLabel = new Map<string, number[]>([...labels].map((label) => [label, []]));
  for (const { label, nearness } of recognised) byLabel.get(label)?.push(nearness);
  const classes = [...byLabel].map(([label, values]) => {
    const mean = sumOf(values) / Math.max(1, values.length);
    return { label, count: values.length, mean, squares: sumOf(values.map((value) => (value - mean) ** 2)) };
  });
  const seen = classes.filter(({ count }) => count > 0);
  const mean = sumOf(seen.map((own) => own.mean)) / Math.max(1, seen.length);
  const variance = sumOf(seen.map(({ squares }) => squares)) / Math.max(1, sumOf(seen.map(({ count }) => count - 1)));
  return Object.fromEntries(
    classes.map(({ label, count, mean: own, squares }) => {
      // The mean of the class itself takes one picture's worth of freedom.
      const ownVariance = (squares + USUAL_WEIGHT * variance) / (Math.max(0, count - 1) + USUAL_WEIGHT);
      return [
        label,
        {
          mean: (count * own + USUAL_WEIGHT * mean) / (count + USUAL_WEIGHT),
          // Half-way, since the stills of a gallery understate how much a class varies on video, most where they vary least.
          deviation: Math.max((Math.sqrt(ownVariance) + Math.sqrt(variance)) / 2, LEAST_DEVIATION),
        },
      ];
    }),
  );
}

/** How sure a match is that the gallery holds the query's class at all; larger is surer, 0 is usual for the class that it takes it for. */
export function confidenceOf(nearness: number, bestLabel: string | undefined, usual: Readonly<Record<string, UsualNearness>>): number {
  const { mean, deviation } = usual[bestLabel ?? ''] ?? { mean: 0, deviation: 1 };
  return (nearness - mean) / deviation;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
