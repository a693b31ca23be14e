/** A paired comparison of two methods on the same queries. */
export interface PairedTest {
  /** Queries that only the first, and only the second, got right. */
  readonly onlyFirst: number;
  readonly onlySecond: number;
  /** Two-sided, exact. */
  readonly p: number;
}

/**
 * McNemar's exact test (1947; binomial form): whether two methods differ in how often they are right, from the queries where one is right
 * and the other wrong. It takes queries as independent: of near-duplicates it believes too much.
 */
export function mcnemar(first: readonly boolean[], second: readonly boolean[]): PairedTest {
  let onlyFirst = 0;
  let onlySecond = 0;
  first.forEach((right, query) => {
    if (right && second[query] === false) onlyFirst += 1;
    if (!right && second[query] === true) onlySecond += 1;
  });
  return { onlyFirst, onlySecond, p: binomialTwoSided(Math.min(onlyFirst, onlySecond), onlyFirst + onlySecond) };
}

/** Probability of at most `few` of `total` fair coins on one side, doubled. */
function binomialTwoSided(few: number, total: number): number {
  if (total === 0) return 1;
  let logTerm = -total * Math.LN2;
  let tail = 0;
  for (let k = 0; k <= few; k++) {
    tail += Math.exp(logTerm);
    logTerm += Math.log((total - k) / (k + 1));
  }
  return Math.min(1, 2 * tail);
}

/** P-values of several tests made comparable with one level (Holm 1979); in their order. */
export function holm(pValues: readonly number[]): number[] {
  const order = pValues.map((_, at) => at).sort((a, b) => (pValues[a] ?? 1) - (pValues[b] ?? 1));
  const adjusted = new Array<number>(pValues.length).fill(1);
  let largest = 0;
  order.forEach((at, rank) => {
    largest = Math.max(largest, Math.min(1, (pValues[at] ?? 1) * (pValues.length - rank)));
    adjusted[at] = largest;
  });
  return adjusted;
}
