import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { SearchAnswer } from '../../../src/server/search-protocol.js';
import { ApiError } from '../api.js';
import { Pages } from '../ui/pages.js';
import { percent } from '../words.js';
import { Picker } from './picker.js';
import { readGallery, searchFile, type GallerySummary } from './search-api.js';

type Outcome =
  | { readonly type: 'none' }
  | { readonly type: 'searching' }
  | { readonly type: 'found'; readonly answer: SearchAnswer }
  | { readonly type: 'failed'; readonly message: string; readonly remedy: string | null };

/** Drop a picture, see the most similar exemplars of the gallery. */
export function SearchPage(): JSX.Element {
  const [gallery, setGallery] = useState<GallerySummary | null>(null);
  const [file, setFile] = useState<File | null>(null);
  const [label, setLabel] = useState<string | null>(null);
  const [outcome, setOutcome] = useState<Outcome>({ type: 'none' });
  const asked = useRef(0);

  useEffect(() => {
    readGallery().then(setGallery, () => undefined);
  }, []);

  useEffect(() => {
    if (file === null) return;
    // A later question overtakes an earlier one.
    asked.current += 1;
    const question = asked.current;
    const tell = (next: Outcome): void => {
      if (question === asked.current) setOutcome(next);
    };
    tell({ type: 'searching' });
    searchFile(file, label).then(
      (answer) => {
        tell({ type: 'found', answer });
      },
      (error: unknown) => {
        const remedy = error instanceof ApiError ? error.remedy : null;
        tell({ type: 'failed', message: error instanceof Error ? error.message : String(error), remedy });
      },
    );
  }, [file, label]);

  return (
    <main class="search-page">
      <header>
        <h1>Search the gallery</h1>
        <p>{gallery === null ? '' : `${gallery.name}: ${gallery.exemplars} exemplars of ${gallery.labels.length} classes`}</p>
        <Pages current="search" />
      </header>
      <Picker fileName={file?.name ?? null} onFile={setFile} />
      <label class="search-filter">
        Show exemplars of{' '}
        <select
          value={label ?? ''}
          onChange={({ currentTarget }) => {
            setLabel(currentTarget.value === '' ? null : currentTarget.value);
          }}
        >
          <option value="">every class</option>
          {gallery?.labels.map(({ id, name }) => (
            <option value={id} key={id}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <div aria-live="polite">
        {outcome.type === 'searching' ? <p class="search-state">Searching …</p> : null}
        {outcome.type === 'failed' ? (
          <p class="search-state is-fault" role="alert">
            {outcome.message} {outcome.remedy}
          </p>
        ) : null}
        {outcome.type === 'found' ? <Answer answer={outcome.answer} /> : null}
      </div>
      <footer>Research use only. The picture is compared on this server and not kept.</footer>
    </main>
  );
}

function Answer({ answer }: { answer: SearchAnswer }): JSX.Element {
  const { known, confidence, threshold, scores, neighbours, compared } = answer;
  const [best, ...rivals] = scores;
  return (
    <>
      <section class="search-answer" data-known={known}>
        <img src={compared} alt="What was compared: the field of view of the picture" />
        <div>
          <h2>{known ? best?.name : 'Unknown to this gallery'}</h2>
          <p>
            {best === undefined
              ? ''
              : known
                ? `${percent(best.score)} of the vote`
                : `The nearest would be ${best.name}, ${percent(best.score)} of the vote`}
            {rivals.length === 0 ? '' : `; then ${rivals.map(({ name, score }) => `${name} ${percent(score)}`).join(', ')}`}
          </p>
          {threshold === null ? null : (
            <p class="number">
              Confidence {confidence.toFixed(3)}, {known ? 'above' : 'below'} the threshold {threshold.toFixed(3)}
            </p>
          )}
        </div>
      </section>
      <ol class="search-neighbours" aria-label="Most similar exemplars">
        {neighbours.map(({ exemplar, name, similarity, path }) => (
          <li key={exemplar}>
            <img src={`./thumbnails/${exemplar}.jpg`} alt={name} loading="lazy" decoding="async" />
            <span class="search-name">{name}</span>
            <span class="number">{similarity.toFixed(3)}</span>
            <span class="search-path" title={path}>
              {path}
            </span>
          </li>
        ))}
      </ol>
    </>
  );
}
