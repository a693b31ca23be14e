import { seededRandom } from './random.js';

/** Lower and upper end of a 95 % confidence interval. */
export type Interval = readonly [lower: number, upper: number];

const Z_95 = 1.959963984540054;

/** 95 % interval of a proportion (Wilson 1927), which keeps its coverage for few trials and for shares near 0 and 1. */
export function wilson(successes: number, trials: number): Interval {
  if (trials === 0) return [0, 1];
  const share = successes / trials;
  const z2 = Z_95 ** 2;
  const centre = (share + z2 / (2 * trials)) / (1 + z2 / trials);
  const half = (Z_95 * Math.sqrt((share * (1 - share)) / trials + z2 / (4 * trials ** 2))) / (1 + z2 / trials);
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

export interface BootstrapOptions {
  readonly samples?: number;
  readonly seed?: number;
}

/**
 * 95 % intervals of statistics by the percentile bootstrap over groups (patients, near-duplicates): groups are drawn, not pictures, since
 * pictures of one patient are no independent evidence. Seeded; all statistics are taken of the same samples.
 * @param groups Of each item.
 * @param statistics Of a sample of item positions, with repetitions; as many each time.
 */
export function bootstrapSeveral(
  groups: readonly (string | number)[],
  statistics: (items: readonly number[]) => readonly number[],
  { samples = 1000, seed = 1 }: BootstrapOptions = {},
): Interval[] {
  const members = new Map<string | number, number[]>();
  groups.forEach((group, item) => {
    const items = members.get(group) ?? [];
    items.push(item);
    members.set(group, items);
  });
  const pools = [...members.values()];
  const random = seededRandom(seed);
  const drawn: (readonly number[])[] = [];
  for (let sample = 0; sample < (pools.length === 0 ? 0 : samples); sample++) {
    const items: number[] = [];
    for (let draw = 0; draw < pools.length; draw++) for (const item of pools[Math.floor(random() * pools.length)] ?? []) items.push(item);
    drawn.push(statistics(items));
  }
  return Array.from({ length: statistics(groups.map((_, item) => item)).length }, (_, statistic): Interval => {
    const values = drawn
      .map((sample) => sample[statistic] ?? NaN)
      .filter((value) => !Number.isNaN(value))
      .sort((a, b) => a - b);
    const at = (share: number): number => values[Math.min(values.length - 1, Math.floor(share * values.length))] ?? NaN;
    return [at(0.025), at(0.975)];
  });
}

/** `bootstrapSeveral` for one statistic. */
export function bootstrapByGroup(
  groups: readonly (string | number)[],
  statistic: (items: readonly number[]) => number,
  options: BootstrapOptions = {},
): Interval {
  return bootstrapSeveral(groups, (items) => [statistic(items)], options)[0] ?? [NaN, NaN];
}
