import { classInfo } from '../common/landmarks.js';
import { ContactSheet, type SheetPicture } from '../report/contact-sheet.js';
import { dataUri } from '../report/data-uri.js';
import { renderPage, type Provenance } from '../report/page.js';
import type { Gallery } from './gallery.js';
import type { Match, Neighbour } from './match.js';

export interface SearchedPicture {
  readonly path: string;
  readonly match: Match;
  readonly neighbours: readonly Neighbour[];
  /** JPEG of what was compared; null where there is none. */
  readonly thumbnail: Uint8Array | null;
}

/** A contact sheet: each picture, then its most similar exemplars. */
export async function searchPage(gallery: Gallery, pictures: readonly SearchedPicture[], provenance: Provenance): Promise<string> {
  const sections = await Promise.all(
    pictures.map(async ({ path, match, neighbours, thumbnail }) => {
      const sheet: SheetPicture[] = await Promise.all(
        neighbours.map(async ({ exemplar, label, similarity }) => {
          const jpeg = await gallery.thumbnail(exemplar);
          return {
            src: jpeg === null ? null : dataUri(jpeg),
            title: classInfo(label).name,
            lines: [`similarity ${similarity.toFixed(3)}`, gallery.exemplars[exemplar]?.path ?? ''],
          };
        }),
      );
      return (
        <section>
          <h2>{path}</h2>
          <p>{answerOf(match)}</p>
          <ContactSheet
            pictures={[{ src: thumbnail === null ? null : dataUri(thumbnail), title: 'Searched for', tone: 'warning' }, ...sheet]}
            sidePx={130}
          />
        </section>
      );
    }),
  );
  const { name, manifest } = gallery;
  return renderPage(
    {
      title: 'Most similar exemplars',
      subtitle: `${pictures.length} pictures in gallery ${name}, ${manifest.exemplars} exemplars, ${manifest.model.name}`,
      provenance: { ...provenance, details: { ...provenance.details, Model: `${manifest.model.name} ${manifest.model.fingerprint}` } },
    },
    sections,
  );
}

/** In words: the answer of the vote, or that there is none to be relied on. */
export function answerOf({ known, scores }: Match): string {
  const [best, ...rivals] = scores;
  if (best === undefined) return 'The gallery has nothing to compare with.';
  const share = (score: number): string => `${(100 * score).toFixed(1)} %`;
  const answer = `${classInfo(best.label).name} (${share(best.score)} of the vote)`;
  const others = rivals.slice(0, 3).map(({ label, score }) => `${classInfo(label).name} ${share(score)}`);
  return `${known ? answer : `Unknown to this gallery; the nearest would be ${answer}`}${others.length === 0 ? '' : `, then ${others.join(', ')}`}.`;
}
