import type { JSX } from 'preact';
import type { PhotographsAnswer } from '../../../src/server/photograph-protocol.js';
import { SiteIcon } from '../ui/icons.js';
import { STATE_WORDS } from './words.js';

/** The checklist; a site leads to its best photograph. */
export function Sites({ answer, onOpen }: { answer: PhotographsAnswer; onOpen: (index: number) => void }): JSX.Element {
  const byIndex = new Map(answer.photographs.map((photograph) => [photograph.index, photograph]));
  return (
    <ol class="page-sites">
      {answer.sites.map(({ id, name, optional, state, manual, documentedBy, doubtful }) => {
        const best = byIndex.get(documentedBy[0] ?? doubtful[0] ?? -1);
        const count = state === 'seen' ? doubtful.length : documentedBy.length;
        return (
          <li key={id} class="site" data-site={id} data-state={state}>
            <SiteIcon state={state} />
            <span class="site-text">
              <span class="site-name">
                {name}
                {optional ? <span class="site-optional"> optional</span> : null}
              </span>
              <span class="site-facts">
                {STATE_WORDS[state]}
                {manual ? ' (by hand)' : ''}
                {count > 1 ? ` · ${count} photographs` : ''}
              </span>
            </span>
            {best === undefined ? null : (
              <button
                type="button"
                class="site-still"
                aria-label={`Best photograph of ${name}`}
                onClick={() => {
                  onOpen(best.index);
                }}
              >
                <img src={`.${best.picture}`} alt="" loading="lazy" decoding="async" />
              </button>
            )}
          </li>
        );
      })}
    </ol>
  );
}
