import type { Anatomy, Tract } from './anatomy/anatomy.js';
import { lowerAnatomy } from './anatomy/lower.js';
import { upperAnatomy } from './anatomy/upper.js';

/** One patient's tract; the same seed gives the same patient. */
export function anatomyOf(tract: Tract, seed: number): Anatomy {
  return tract === 'upper' ? upperAnatomy(seed) : lowerAnatomy(seed);
}
