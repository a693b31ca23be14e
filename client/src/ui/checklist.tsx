import type { JSX } from 'preact';
import type { ChecklistSummary, CoverageSite } from '../../../src/server/protocol.js';
import { groupSites } from '../checklist-groups.js';
import { completenessOf } from '../completeness.js';
import { useSelected, type Store } from '../store.js';
import { duration, SITE_WORDS } from '../words.js';
import { SiteIcon } from './icons.js';
import type { MarkedSite } from './procedure-dialogs.js';
import type { OpenStill } from './still-dialog.js';

type Site = ChecklistSummary['sites'][number];

const NOTHING: Omit<CoverageSite, 'id'> = { state: 'unseen', sightings: 0, dwellMs: 0, still: null, stillFrameId: null, byHand: null };

/** Longer lists are grouped by station and set in two columns, to be seen at once. */
const SHORT_LIST = 14;

interface ChecklistProps {
  readonly store: Store;
  readonly onStill: (still: OpenStill) => void;
  /** Sets a site by hand; null while there is no procedure to keep that. */
  readonly onMark: ((marked: MarkedSite) => void) | null;
}

export function stillPath(path: string): string {
  return `.${path}`;
}

function SiteRow({
  site,
  coverage,
  current,
  name = site.name,
  onStill,
  onMark,
}: {
  site: Site;
  coverage: CoverageSite;
  current: boolean;
  /** What is left of the site's name under the title of its group. */
  name?: string;
  onStill: (still: OpenStill) => void;
  onMark: ChecklistProps['onMark'];
}): JSX.Element {
  const { state, still, dwellMs, sightings } = coverage;
  const words = SITE_WORDS[state];
  const facts = dwellMs > 0 ? `${duration(dwellMs)} in view, ${sightings} sighting${sightings === 1 ? '' : 's'}` : words;
  return (
    <li class="site" data-site={site.id} data-state={state} data-current={current}>
      <SiteIcon state={state} />
      <span class="site-text">
        <span class="site-name">
          {onMark === null ? (
            name
          ) : (
            <button
              type="button"
              class="site-set"
              title="Set by hand"
              onClick={() => {
                onMark({ site, coverage });
              }}
            >
              {name}
            </button>
          )}
          {site.optional ? <span class="site-optional"> optional</span> : null}
        </span>
        <span class="site-facts">
          {state === 'unseen' || state === 'unsupported' ? words : <span class="site-dwell">{duration(dwellMs)}</span>}
          {state === 'seen' && coverage.byHand === null ? ' · no still yet' : null}
          {coverage.byHand === null ? null : (
            <span class="site-by-hand" title={coverage.byHand.reason}>
              {' '}
              · by hand
            </span>
          )}
        </span>
      </span>
      <span class="visually-hidden">{words}</span>
      {still === null ? null : (
        <button
          type="button"
          class="site-still"
          aria-label={`Best still of ${site.name}`}
          onClick={() => {
            onStill({
              src: stillPath(still),
              title: site.name,
              detail: `${facts}${coverage.stillFrameId === null ? '' : ` · frame ${coverage.stillFrameId}`}`,
            });
          }}
        >
          <img src={stillPath(still)} alt="" loading="lazy" decoding="async" />
        </button>
      )}
    </li>
  );
}

export function Checklist({ store, onStill, onMark }: ChecklistProps): JSX.Element | null {
  const checklist = useSelected(store, (state) => state.hello?.checklist ?? null);
  const coverage = useSelected(store, (state) => state.coverage);
  const landmark = useSelected(store, (state) => state.tracking?.landmark ?? null);
  if (checklist === null) return null;
  const byId = new Map(coverage?.sites.map((site) => [site.id, site]));
  const rows = checklist.sites.map((site) => ({ site, coverage: byId.get(site.id) ?? { id: site.id, ...NOTHING } }));
  const long = rows.length > SHORT_LIST;
  const isCurrent = (site: Site): boolean => landmark !== null && site.landmarks.includes(landmark);
  const { required, documented, unsupported } = completenessOf(
    rows.map(({ site: { optional }, coverage: { state } }) => ({ optional, state })),
  );
  return (
    <section class="checklist" aria-labelledby="checklist-title" data-size={long ? 'long' : 'short'}>
      <header class="checklist-head">
        <h2 id="checklist-title" title={`${checklist.citation}. ${checklist.status}`}>
          {checklist.name}
        </h2>
        <p class="progress">
          <b>{documented}</b> of {required} documented
        </p>
        <div class="segments" aria-hidden="true">
          {rows
            .filter(({ site }) => !site.optional)
            .map(({ site, coverage: { state } }) => (
              <span key={site.id} class="segment" data-state={state} />
            ))}
        </div>
        {unsupported === 0 ? null : (
          <p class="progress-note">
            {unsupported} {unsupported === 1 ? 'site has' : 'sites have'} no exemplar in this gallery
          </p>
        )}
      </header>
      {long ? (
        <div class="sites" tabIndex={0} role="group" aria-label="Sites">
          {groupSites(rows, ({ site }) => site.name).map(({ title, members }) => (
            <section key={members[0]?.site.site.id} class="station" aria-label={title ?? 'Sites'}>
              {title === null ? null : <h3>{title}</h3>}
              <ol class="station-sites">
                {members.map(({ site: row, name }) => (
                  <SiteRow key={row.site.id} {...row} name={name} current={isCurrent(row.site)} onStill={onStill} onMark={onMark} />
                ))}
              </ol>
            </section>
          ))}
        </div>
      ) : (
        <ol class="sites" tabIndex={0} aria-label="Sites">
          {rows.map((row) => (
            <SiteRow key={row.site.id} {...row} current={isCurrent(row.site)} onStill={onStill} onMark={onMark} />
          ))}
        </ol>
      )}
    </section>
  );
}
