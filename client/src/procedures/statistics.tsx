import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import type { ChecklistStatistics, ProcedureStatisticsAnswer, TimeStatistics } from '../../../src/server/procedure-protocol.js';
import { duration, percent } from '../words.js';

/** Columns that stay legible. */
const MONTHS_SHOWN = 9;
const BLIND_SPOTS_SHOWN = 6;

interface StatisticsProps {
  readonly statistics: ProcedureStatisticsAnswer;
  readonly missedSiteId: string;
  readonly onMissed: (checklistId: string, siteId: string) => void;
}

/** The figures that quality managers report, of the procedures that the filters leave. */
export function Statistics({ statistics, missedSiteId, onMissed }: StatisticsProps): JSX.Element {
  const { procedures, checklists, timers } = statistics;
  const [chosen, setChosen] = useState<string | null>(null);
  const list = checklists.find(({ checklistId }) => checklistId === chosen) ?? checklists[0];
  if (list === undefined) return <p class="statistics-none">No figures without procedures.</p>;
  return (
    <section class="statistics" aria-label="Statistics">
      {checklists.length < 2 ? (
        <h2>{list.name}</h2>
      ) : (
        <select
          aria-label="Checklist of the figures"
          value={list.checklistId}
          onChange={({ currentTarget }) => {
            setChosen(currentTarget.value);
          }}
        >
          {checklists.map(({ checklistId, name, procedures: count }) => (
            <option key={checklistId} value={checklistId}>
              {name} ({count})
            </option>
          ))}
        </select>
      )}
      <dl class="tiles">
        <Tile name="Procedures" value={String(list.procedures)} note={procedures === list.procedures ? null : `of ${procedures} in all`} />
        <Tile
          name="All required sites documented"
          value={list.procedures === 0 ? '–' : percent(list.complete / list.procedures)}
          note={`${list.complete} of ${list.procedures}`}
        />
        <Tile
          name="Required sites documented"
          value={list.documentedShare === null ? '–' : percent(list.documentedShare)}
          note="of all procedures"
        />
        <Time name="Inspection time" time={timers.inspection} />
        <Time name="Withdrawal time" time={timers.withdrawal} />
        {timers.inspection === null && timers.withdrawal === null ? <Time name="Total time" time={timers.total} /> : null}
      </dl>
      <Heatmap list={list} />
      <h3>Most often left unseen</h3>
      {list.blindSpots.length === 0 ? <p class="statistics-none">No required site was left unseen.</p> : null}
      <ol class="blind-spots">
        {list.blindSpots.slice(0, BLIND_SPOTS_SHOWN).map(({ siteId, name, unseen, supported }) => (
          <li key={siteId}>
            <button
              type="button"
              class="quiet"
              aria-pressed={siteId === missedSiteId}
              title="Show the procedures that left it unseen"
              onClick={() => {
                onMissed(list.checklistId, siteId);
              }}
            >
              <span class="blind-name">{name}</span>
              <span class="blind-bar" aria-hidden="true">
                <span style={{ width: percent(unseen / supported).replace(' ', '') }} />
              </span>
              <span class="number">
                {percent(unseen / supported)}{' '}
                <small>
                  {unseen} of {supported}
                </small>
              </span>
            </button>
          </li>
        ))}
      </ol>
    </section>
  );
}

function Tile({ name, value, note }: { name: string; value: string; note: string | null }): JSX.Element {
  return (
    <div class="tile">
      <dt>{name}</dt>
      <dd>
        {value} {note === null ? null : <small>{note}</small>}
      </dd>
    </div>
  );
}

function Time({ name, time }: { name: string; time: TimeStatistics | null }): JSX.Element | null {
  if (time === null) return null;
  return (
    <Tile
      name={`${name}, median`}
      value={duration(time.medianMs)}
      note={`${duration(time.p25Ms)} to ${duration(time.p75Ms)}, n = ${time.n}`}
    />
  );
}

/** Share of procedures in which a site was documented, by month; the number is written, the shade only helps the eye. */
function Heatmap({ list }: { list: ChecklistStatistics }): JSX.Element {
  const months = list.months.slice(-MONTHS_SHOWN);
  const cell = (key: string, counts: { documented: number; supported: number } | undefined): JSX.Element => {
    if (counts === undefined || counts.supported === 0) return <td key={key} class="heat-none" />;
    const share = counts.documented / counts.supported;
    return (
      <td key={key} title={`${counts.documented} of ${counts.supported}`} style={{ '--share': share.toFixed(3) }}>
        {Math.round(share * 100)}
      </td>
    );
  };
  return (
    <div class="heatmap">
      <table>
        <caption>Documented, % of procedures in which the gallery could tell</caption>
        <thead>
          <tr>
            <th />
            <th>All</th>
            {months.map(({ month }) => (
              <th key={month}>{monthName(month)}</th>
            ))}
          </tr>
        </thead>
        <tbody>
          {list.sites.map((site) => (
            <tr key={site.siteId}>
              <th title={site.name}>
                {site.name}
                {site.optional ? ' (optional)' : ''}
              </th>
              {cell('all', site)}
              {months.map(({ month }) => cell(month, site.months[month]))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function monthName(month: string): string {
  return new Date(`${month}-15T00:00:00Z`).toLocaleDateString(undefined, { month: 'short', year: '2-digit', timeZone: 'UTC' });
}
