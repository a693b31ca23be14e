import type { CoverageState } from '../../tracking/coverage.js';

/** One letter a site, so that procedures whose sites ended alike are counted as one text. */
const LETTERS = { unsupported: '-', unseen: 'u', seen: 's', documented: 'd' } as const;

export function lettersOf(states: readonly CoverageState[]): string {
  return states.map((state) => LETTERS[state]).join('');
}
