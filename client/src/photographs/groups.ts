import type { AuditedPhotograph } from '../../../src/server/photograph-protocol.js';

export type GroupId = 'all' | 'check' | 'assigned' | 'hand' | 'unknown' | 'other' | 'unusable' | 'repeats';

export const GROUPS: readonly { readonly id: GroupId; readonly title: string }[] = [
  { id: 'all', title: 'All' },
  { id: 'check', title: 'To be checked' },
  { id: 'assigned', title: 'Assigned' },
  { id: 'hand', title: 'By hand' },
  { id: 'unknown', title: 'Unknown' },
  { id: 'other', title: 'No landmark' },
  { id: 'unusable', title: 'Unusable' },
  { id: 'repeats', title: 'Near-duplicates' },
];

/** Every photograph is in one group beside `all`; the word of a person goes before the machine's. */
export function groupOf({ correction, repeats, outcome }: AuditedPhotograph): Exclude<GroupId, 'all'> {
  if (correction !== null) return 'hand';
  if (repeats !== null) return 'repeats';
  return outcome === 'doubtful' ? 'check' : outcome;
}

export function inGroup(photographs: readonly AuditedPhotograph[], group: GroupId): AuditedPhotograph[] {
  return group === 'all' ? [...photographs] : photographs.filter((photograph) => groupOf(photograph) === group);
}
