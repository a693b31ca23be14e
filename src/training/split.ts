import { randomStream, shuffled } from '../common/random.js';

/** Positions of the pictures on each side. */
export interface Split {
  readonly train: readonly number[];
  readonly val: readonly number[];
}

/**
 * Holds whole groups (patients, look-alikes) back for validation, so that each class comes as near to `fraction` as its groups allow.
 * Large groups are placed first; the seed decides among equals. A class of one group stays in training.
 */
export function splitByGroup(labels: readonly string[], groups: readonly (number | string)[], fraction: number, seed: number): Split {
  const totals = countBy(labels);
  const members = new Map<number | string, number[]>();
  groups.forEach((group, picture) => {
    const pictures = members.get(group) ?? [];
    pictures.push(picture);
    members.set(group, pictures);
  });
  const order = shuffled(randomStream(seed, 'split'), [...members.values()]).sort((a, b) => b.length - a.length);
  const held = new Map<string, number>();
  const groupsLeft = countBy(order.flatMap((pictures) => [...new Set(pictures.map((picture) => labels[picture] ?? ''))]));
  const inVal = new Set<number>();
  for (const pictures of order) {
    const counts = countBy(pictures.map((picture) => labels[picture] ?? ''));
    let change = 0;
    let needed = false;
    for (const [label, count] of counts) {
      const target = (totals.get(label) ?? 0) * fraction;
      const have = held.get(label) ?? 0;
      change += Math.abs(have + count - target) - Math.abs(have - target);
      // Something of every class has to stay.
      needed ||= (groupsLeft.get(label) ?? 0) <= 1;
    }
    if (needed || change >= 0) continue;
    for (const [label, count] of counts) {
      held.set(label, (held.get(label) ?? 0) + count);
      groupsLeft.set(label, (groupsLeft.get(label) ?? 0) - 1);
    }
    for (const picture of pictures) inVal.add(picture);
  }
  const all = labels.map((_, picture) => picture);
  return { train: all.filter((picture) => !inVal.has(picture)), val: all.filter((picture) => inVal.has(picture)) };
}

export function countBy(labels: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return counts;
}
