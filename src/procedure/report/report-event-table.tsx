import { clockText } from '../../report/format.js';
import { Table } from '../../report/table.js';
import type { ProcedureReport, ReportEvent } from './report.js';
import { timeText } from './report-words.js';

const BY_HAND = new Set(['site-set', 'site-cleared', 'capture', 'note', 'pause', 'resume', 'assignment', 'audit-hold']);

/** What people did, during the procedure and since, and what happened to the recording. */
export function Events({ report: { events, startPtsUs } }: { report: ProcedureReport }) {
  const byHand = events.filter(({ type }) => BY_HAND.has(type));
  const others = events.filter(({ type }) => !BY_HAND.has(type));
  return (
    <>
      <h2>Marks by hand</h2>
      <EventTable events={byHand} startPtsUs={startPtsUs} empty="Nothing was marked or corrected by hand." />
      {others.length === 0 ? null : (
        <>
          <h2>What happened to the recording</h2>
          <EventTable events={others} startPtsUs={startPtsUs} empty="" />
        </>
      )}
    </>
  );
}

function EventTable({ events, startPtsUs, empty }: { events: readonly ReportEvent[]; startPtsUs: number; empty: string }) {
  return (
    <Table
      columns={['Time', 'Video', 'Who', 'What', { title: 'Line', align: 'number' }]}
      rows={events.map(({ at, by, text, ptsUs, amendment, line }) => [
        timeText(at),
        ptsUs === null ? '' : clockText((ptsUs - startPtsUs) / 1e6),
        by,
        <>
          {text}
          {amendment ? <span class="dim"> (after closing)</span> : null}
        </>,
        String(line),
      ])}
      empty={empty}
    />
  );
}
