import { classInfo } from '../../common/landmarks.js';
import type { Neighbour } from '../../retrieval/match.js';
import { ContactSheet, type SheetPicture } from '../../report/contact-sheet.js';
import type { Failure } from '../failures.js';

export interface FailuresSectionProps {
  readonly failures: readonly Failure[];
  /** By row; null for embeddings without pictures. */
  readonly paths: readonly string[] | null;
  readonly pictures: ReadonlyMap<number, string | null>;
}

/** Contact sheets of the surest mistakes: the query, its nearest pictures, and the first right one. */
export function FailuresSection({ failures, paths, pictures }: FailuresSectionProps) {
  if (failures.length === 0 || paths === null) return null;
  const picture = (row: number, title: string, lines: readonly string[], tone?: 'good' | 'danger' | 'warning'): SheetPicture => ({
    src: pictures.get(row) ?? null,
    title,
    lines: [...lines, paths[row] ?? ''],
    ...(tone === undefined ? {} : { tone }),
  });
  const name = (label: string): string => classInfo(label).name;
  const neighbour = ({ exemplar, label, similarity }: Neighbour, query: Failure, rank: string): SheetPicture =>
    picture(exemplar, name(label), [`${rank}, similarity ${similarity.toFixed(3)}`], label === query.label ? 'good' : 'danger');
  return (
    <>
      <h2>Where it was surest and wrong</h2>
      <p>
        The query stands first, then the pictures that were found most similar (red: of another class, green: of the same), last the first
        picture of the right class and its place in the ranking. At most three queries of a class are shown. Look here for wrong labels,
        too.
      </p>
      {failures.map((failure) => (
        <>
          <h3>
            {name(failure.label)}, nearest is {name(failure.neighbours[0]?.label ?? '')}
          </h3>
          <ContactSheet
            sidePx={118}
            pictures={[
              picture(failure.query, name(failure.label), ['query'], 'warning'),
              ...failure.neighbours.map((one, at) => neighbour(one, failure, `nearest ${at + 1}`)),
              ...(failure.firstHit <= failure.neighbours.length
                ? []
                : [neighbour(failure.firstRelevant, failure, `place ${failure.firstHit}`)]),
            ]}
          />
        </>
      ))}
    </>
  );
}
