import { csvText } from '../../common/csv-text.js';
import type { Overview } from './overview.js';

/** A line per procedure: counts, then the state of every site. Folders that failed follow with their reason. */
export function overviewCsv({ procedures, sites, failed, checklist }: Overview): string {
  const columns = [
    'name',
    'procedure',
    'checklist',
    'photographs',
    'near_duplicates',
    'unusable',
    'unreadable',
    'required',
    'documented',
    'to_be_checked',
    'missing',
    'unsupported',
    'failed_because',
    ...sites.map(({ id }) => id),
  ];
  return csvText(columns, [
    ...procedures.map(({ name, id, photographs, repeats, unusable, unreadable, completeness, states }) => [
      name,
      id,
      checklist.id,
      photographs,
      repeats,
      unusable,
      unreadable,
      completeness.required,
      completeness.documented,
      completeness.seen,
      completeness.missing,
      completeness.unsupported,
      null,
      ...sites.map((site) => states[site.id]),
    ]),
    ...failed.map(({ name, reason }) => [name, null, checklist.id, ...Array<null>(9).fill(null), reason, ...sites.map(() => null)]),
  ]);
}
