import type { Neighbour } from './match.js';

/** What `confidenceOf` is made of, for the manifest. */
export const CONFIDENCE_NAME = 'mean similarity of the 3 nearest';

/** How sure a match is that the gallery holds the query's class at all. Larger is surer. */
export function confidenceOf(neighbours: readonly Neighbour[]): number {
  const near = neighbours.slice(0, 3);
  return near.length === 0 ? -1 : near.reduce((sum, { similarity }) => sum + similarity, 0) / near.length;
}
