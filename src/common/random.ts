/** A source of uniform numbers in 0…1 (1 excluded). */
export type Random = () => number;

/** Uniform numbers in [0, 1) that depend on the seed alone (Mulberry32, Tommy Ettinger, public domain). Not for secrets. */
export function seededRandom(seed: number): Random {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

/**
 * An independent stream of numbers for each combination of a seed and a purpose, so that adding a purpose never changes what
 * the other purposes draw.
 */
export function randomStream(seed: number, ...purpose: readonly (string | number)[]): Random {
  return seededRandom(hashOf(`${seed}|${purpose.join('|')}`));
}

export function between(random: Random, low: number, high: number): number {
  return low + (high - low) * random();
}

/** Whole number in low…high, both included. */
export function wholeBetween(random: Random, low: number, high: number): number {
  return Math.min(high, Math.floor(between(random, low, high + 1)));
}

export function chance(random: Random, probability: number): boolean {
  return random() < probability;
}

/** Roughly normal with mean 0 and standard deviation 1, bounded by ±√12. */
export function bell(random: Random): number {
  return (random() + random() + random() + random() - 2) * Math.sqrt(3);
}

export function pick<T>(random: Random, choices: readonly [T, ...T[]]): T {
  return choices[Math.floor(random() * choices.length)] ?? choices[0];
}

/** The items in an order drawn by `random` (Fisher–Yates). */
export function shuffled<T>(random: Random, items: readonly T[]): T[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = wholeBetween(random, 0, last);
    [result[last], result[other]] = [result[other] as T, result[last] as T];
  }
  return result;
}

/** FNV-1a with a final mix, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
}
