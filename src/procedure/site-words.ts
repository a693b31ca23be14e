import type { CoverageState } from '../tracking/coverage.js';
import { checklistOf, type JournalSoFar } from './final-coverage.js';

export const STATE_WORDS: Readonly<Record<CoverageState, string>> = {
  unsupported: 'not in this gallery',
  unseen: 'not seen',
  seen: 'seen',
  documented: 'documented',
};

/** Names of the sites of the checklist that holds in the end; a site of another one is told by its id. */
export function siteNamesOf(journal: JournalSoFar): (id: string) => string {
  const names = new Map(checklistOf(journal).sites.map(({ id, name }) => [id, name]));
  return (id) => names.get(id) ?? id;
}
