import type { JSX } from 'preact';
import { completenessOf } from '../completeness.js';
import type { ProcedureSummary } from '../../../src/server/procedure-protocol.js';
import { duration, SITE_WORDS } from '../words.js';

const KIND_WORDS = { recorded: 'Recorded', imported: 'Audited video', photographs: 'Photographs' } as const;

/** Photographs have a page of their own. */
export function replayHref({ id, kind }: Pick<ProcedureSummary, 'id' | 'kind'>): string {
  return `./${kind === 'photographs' ? 'photographs' : 'replay'}?procedure=${encodeURIComponent(id)}`;
}

interface ProcedureRowProps {
  readonly summary: ProcedureSummary;
  readonly selected: boolean;
  readonly onPoint: () => void;
}

export function ProcedureRow({ summary, selected, onPoint }: ProcedureRowProps): JSX.Element {
  const { checklist, siteStates, timers, state } = summary;
  const sites = checklist.sites.map((site, position) => ({ ...site, state: siteStates[position] ?? 'unsupported' }));
  const { required, documented } = completenessOf(sites);
  const started = new Date(summary.startedAt);
  return (
    <li class="procedure" data-selected={selected} data-state={state}>
      <a href={replayHref(summary)} onFocus={onPoint} aria-label={`${summary.label ?? summary.source}, ${started.toLocaleString()}`}>
        <span class="procedure-when">
          <b>{started.toLocaleDateString(undefined, { year: 'numeric', month: 'short', day: 'numeric' })}</b>
          <span>{started.toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })}</span>
        </span>
        <span class="procedure-what">
          <b>{summary.label ?? summary.source}</b>
          <span>
            {summary.simulated ? <i class="tag tag-simulated">simulated</i> : null}
            {summary.held ? <i class="tag">marked for audit</i> : null}
            {state === 'open' ? <i class="tag tag-open">open</i> : null}
            {state === 'interrupted' ? <i class="tag tag-warn">interrupted</i> : null}
            {KIND_WORDS[summary.kind]} · {checklist.name}
          </span>
        </span>
        <span class="procedure-sites">
          <span class="segments" aria-hidden="true">
            {sites
              .filter((site) => !site.optional)
              .map((site) => (
                <span key={site.id} class="segment" data-state={site.state} title={`${site.name}: ${SITE_WORDS[site.state]}`} />
              ))}
          </span>
          <span>
            <b>{documented}</b> of {required} documented
          </span>
        </span>
        <span class="procedure-time">{timers.totalMs === null ? '–' : duration(timers.totalMs)}</span>
      </a>
    </li>
  );
}
