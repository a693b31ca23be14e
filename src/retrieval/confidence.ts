import type { Neighbour } from './match.js';

/** Neighbours that tell how close together the exemplars around one of them lie. */
export const DENSITY_NEIGHBOURS = 5;

/** How the nearness of a query is told from its neighbours. */
export interface NearnessMeasure {
  /** So many of the nearest exemplars are looked at. */
  readonly neighbours: number;
  /** How much of their own density is taken off: a similarity that is high where exemplars lie close together says less than the same similarity where they lie apart. */
  readonly densityShare: number;
  /** Whether it is counted in standard deviations from what is usual for the best class. */
  readonly byClass: boolean;
}

/**
 * Serves unless a gallery says otherwise. Chosen on 482 real stills of 17 classes, cross-fitted: it parts pictures of held from pictures
 * of left-out classes with an AUROC of 0.78 (0.76 without the classes; each class counted alike 0.71), the similarity of the nearest exemplar
 * with 0.73, entropy and margin of the vote with 0.61.
 */
export const DEFAULT_MEASURE: NearnessMeasure = { neighbours: 5, densityShare: 0.5, byClass: true };

/**
 * What else a gallery may choose. An embedding that was trained to part its classes gathers each of them equally close, and then the bare similarity
 * says more than one that is compared with the few stills of a class; of how many exemplars depends on how many a class has.
 */
export const OTHER_MEASURES: readonly NearnessMeasure[] = [5, 15, 30].map((neighbours) => ({
  neighbours,
  densityShare: 0,
  byClass: false,
}));

/** In words, for the manifest. */
export function nameOfMeasure({ neighbours, densityShare, byClass }: NearnessMeasure): string {
  const density = densityShare === 0 ? '' : ` − ${densityShare} × mean of their own density`;
  const usual = byClass ? ', in standard deviations from what is usual for the best class' : '';
  return `mean similarity of the ${neighbours} nearest${density}${usual}`;
}

/** Pictures that the average of all classes counts as, when what is usual for a class is estimated. */
const USUAL_WEIGHT = 5;
/** Classes of copies must not make every other picture infinitely far. */
const LEAST_DEVIATION = 0.01;

/**
 * How near a query is to the gallery, whatever the class.
 * @param neighbours Nearest first.
 * @param densityOf Mean similarity of an exemplar to its own nearest ones; not asked where none of it is taken off.
 */
export function nearnessOf(
  neighbours: readonly Neighbour[],
  densityOf: (exemplar: number) => number,
  { neighbours: count, densityShare }: NearnessMeasure,
): number {
  const near = neighbours.slice(0, count);
  if (near.length === 0) return -1;
  const nearness = ({ exemplar, similarity }: Neighbour): number =>
    densityShare === 0 ? similarity : similarity - densityShare * densityOf(exemplar);
  return sumOf(near.map(nearness)) / near.length;
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

/**
 * How sure a match is that the gallery holds the query's class at all; larger is surer.
 * @param usual 0 is then usual for the class that the query is taken for; where it is empty, the nearness itself.
 */
export function confidenceOf(nearness: number, bestLabel: string | undefined, usual: Readonly<Record<string, UsualNearness>>): number {
  const { mean, deviation } = usual[bestLabel ?? ''] ?? { mean: 0, deviation: 1 };
  return (nearness - mean) / deviation;
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}
