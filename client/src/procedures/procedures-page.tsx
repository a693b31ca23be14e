import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import type { ProcedureListAnswer, ProcedureStatisticsAnswer } from '../../../src/server/procedure-protocol.js';
import { ApiError } from '../api.js';
import { takesKeys } from '../shortcuts.js';
import { Wordmark } from '../ui/icons.js';
import { Pages } from '../ui/pages.js';
import { listProcedures, NO_FILTERS, readStatistics, type Filters, type Order } from './api.js';
import { FilterBar } from './filter-bar.js';
import { ProcedureRow, replayHref } from './procedure-row.js';
import { Statistics } from './statistics.js';

const FIRST = 60;
const MORE = 200;
/** Who types gets an answer when he pauses. */
const SETTLE_MS = 150;
const LOOK_AGAIN_MS = 5000;

/** All kept procedures: to find one, and to see what is left out most. */
export function ProceduresPage(): JSX.Element {
  const [filters, setFilters] = useState<Filters>(NO_FILTERS);
  const [order, setOrder] = useState<Order>('newest');
  const [limit, setLimit] = useState(FIRST);
  const [list, setList] = useState<ProcedureListAnswer | null>(null);
  const [statistics, setStatistics] = useState<ProcedureStatisticsAnswer | null>(null);
  const [fault, setFault] = useState<ApiError | null>(null);
  const [selected, setSelected] = useState(0);
  const search = useRef<HTMLInputElement>(null);
  const asked = useRef(0);

  useEffect(() => {
    const look = (): void => {
      // A later question overtakes an earlier one.
      asked.current += 1;
      const question = asked.current;
      Promise.all([listProcedures(filters, order, limit), readStatistics(filters)]).then(
        ([found, counted]) => {
          if (question !== asked.current) return;
          setList(found);
          setStatistics(counted);
          setFault(null);
          setSelected((before) => Math.min(before, Math.max(0, found.procedures.length - 1)));
        },
        (error: unknown) => {
          if (question === asked.current) setFault(error instanceof ApiError ? error : new ApiError(String(error), null));
        },
      );
    };
    const soon = window.setTimeout(look, SETTLE_MS);
    const again = window.setInterval(() => {
      if (!document.hidden) look();
    }, LOOK_AGAIN_MS);
    return () => {
      window.clearTimeout(soon);
      window.clearInterval(again);
    };
  }, [filters, order, limit]);

  const procedures = list?.procedures ?? [];
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey) return;
      if (event.key === 'Escape' && document.activeElement === search.current) search.current?.blur();
      if (takesKeys(event.target)) return;
      const chosen = procedures[selected];
      if (event.key === '/') search.current?.focus();
      else if (event.key === 'ArrowDown' || event.key === 'j') setSelected(Math.min(procedures.length - 1, selected + 1));
      else if (event.key === 'ArrowUp' || event.key === 'k') setSelected(Math.max(0, selected - 1));
      else if (event.key === 'Enter' && chosen !== undefined) location.assign(replayHref(chosen));
      else return;
      event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, [procedures, selected]);
  useEffect(() => {
    document.querySelector('.procedure[data-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [selected]);

  const change = (changes: Partial<Filters>): void => {
    setLimit(FIRST);
    setSelected(0);
    setFilters((before) => ({ ...before, ...changes }));
  };
  const restricted = Object.values(filters).some((value) => value !== '');
  return (
    <div class="shell procedures-page">
      <header class="top">
        <Wordmark />
        <Pages current="procedures" />
        <span class="research">Research use only</span>
      </header>
      <div class="procedures-body">
        <main class="procedures-main">
          <FilterBar filters={filters} order={order} list={list} searchRef={search} onChange={change} onOrder={setOrder} />
          {fault === null ? null : (
            <p class="procedures-fault" role="alert">
              <b>{fault.message}</b> {fault.remedy}
            </p>
          )}
          {list === null || list.notice === null ? null : <p class="procedures-notice">{list.notice}</p>}
          {list !== null && procedures.length === 0 ? (
            <div class="procedures-none">
              <h2>{restricted ? 'No procedure fits' : 'Nothing is kept yet'}</h2>
              <p>
                {restricted
                  ? 'Take back a filter to see more.'
                  : 'Start a procedure on the overlay, or audit a video: lumenmark audit VIDEO --gallery GALLERY.'}
              </p>
            </div>
          ) : null}
          <ol class="procedures-list" aria-label="Procedures">
            {procedures.map((summary, position) => (
              <ProcedureRow
                key={summary.id}
                summary={summary}
                selected={position === selected}
                onPoint={() => {
                  setSelected(position);
                }}
              />
            ))}
          </ol>
          {list !== null && list.total > procedures.length ? (
            <button
              type="button"
              class="procedures-more"
              onClick={() => {
                setLimit(Math.min(1000, limit + MORE));
              }}
            >
              {procedures.length} of {list.total}: show more
            </button>
          ) : null}
          {list === null || list.unreadable.length === 0 ? null : (
            <details class="procedures-unreadable">
              <summary>
                {list.unreadable.length} {list.unreadable.length === 1 ? 'folder' : 'folders'} cannot be read as a procedure
              </summary>
              <ul>
                {list.unreadable.map(({ folder, reason }) => (
                  <li key={folder}>
                    <b>{folder}</b> {reason}
                  </li>
                ))}
              </ul>
            </details>
          )}
        </main>
        <aside class="procedures-side">
          {statistics === null ? null : (
            <Statistics
              statistics={statistics}
              missedSiteId={filters.missedSiteId}
              onMissed={(checklistId, siteId) => {
                change(filters.missedSiteId === siteId ? { missedSiteId: '' } : { checklistId, missedSiteId: siteId });
              }}
            />
          )}
        </aside>
      </div>
    </div>
  );
}
