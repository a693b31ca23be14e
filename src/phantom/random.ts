import { seededRandom } from '../common/random.js';

/** A source of uniform numbers in 0…1 (1 excluded). */
export type Random = () => number;

/**
 * An independent stream of numbers for each combination of a patient's seed and a purpose, so that adding a purpose never changes what
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

/** FNV-1a with a final mix, 32 bits. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let index = 0; index < text.length; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193);
  return Math.imul(hash ^ (hash >>> 15), 0x85ebca6b);
}
