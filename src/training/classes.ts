import { UsageError } from '../common/errors.js';

/** @throws UsageError when nothing can be learnt from such a set. */
export function checkClasses(counts: ReadonlyMap<string, number>, what: string): void {
  const small = [...counts].filter(([, count]) => count < 2).map(([label]) => label);
  if (small.length > 0) {
    throw new UsageError(
      'training-classes',
      `${what}: ${small.length === 1 ? 'a class has' : `${small.length} classes have`} fewer than two pictures: ${small.join(', ')}.`,
      {
        remedy: 'Add pictures, or leave such classes out with --min-pictures 2 or more.',
      },
    );
  }
  if (counts.size < 2) {
    throw new UsageError(
      'training-classes',
      `${what}: there ${counts.size === 1 ? `is only one class, ${[...counts.keys()].join()}` : 'are no classes'}.`,
      {
        remedy: 'Triplets need pictures of at least two classes, a folder for each.',
      },
    );
  }
}
