import type { Tone } from '../../report/tone.js';
import { BarChart } from '../../report/bar-chart.js';
import { Facts } from '../../report/facts.js';
import { Figure } from '../../report/figure.js';
import { intervalText, percentText } from '../../report/format.js';
import { Notice } from '../../report/notice.js';
import { renderPage } from '../../report/page.js';
import { Table } from '../../report/table.js';
import type { CoverageState } from '../../tracking/coverage.js';
import type { Overview, OverviewProcedure } from './overview.js';
import { ReliabilityNotice } from './reliability-notice.js';
import { STATE_TONES, stateWords } from './report-words.js';

/** Rows of the table of procedures; the CSV has all. */
const PROCEDURES_SHOWN = 500;
const FAILED_SHOWN = 100;

/** One sign and one colour each: neither alone carries the meaning. */
const SIGNS: Readonly<Record<CoverageState, string>> = { documented: '●', seen: '◐', unseen: '○', unsupported: '–' };

const STYLE = `
.matrix td,.matrix th{padding-right:.45rem}
.matrix thead th:nth-child(n+3){writing-mode:vertical-rl;transform:rotate(180deg);text-align:left;max-height:12rem;font-weight:500;line-height:1.15;padding:.3rem .1rem}
.matrix td:nth-child(n+3){text-align:center}
.sign[data-tone=good]{color:var(--good)}.sign[data-tone=warning]{color:var(--warning)}.sign[data-tone=danger]{color:var(--danger)}.sign[data-tone=dim]{color:var(--dim)}
`;

export interface OverviewPageOptions {
  readonly command?: string;
  readonly at: Date;
}

/** The overview as one HTML page. */
export function overviewPage(overview: Overview, { command, at }: OverviewPageOptions): string {
  const { procedures, sites, failed, checklist, complete, model, gallery } = overview;
  const sum = (of: (procedure: OverviewProcedure) => number): number => procedures.reduce((total, procedure) => total + of(procedure), 0);
  const judged = sites.filter(({ unsupported }) => unsupported < procedures.length);
  const unjudged = sites.filter(({ unsupported }) => unsupported === procedures.length);
  return renderPage(
    {
      title: 'Audit of photographs: overview',
      subtitle: `${procedures.length} procedures · ${checklist.name}`,
      notice: overview.notice,
      provenance: {
        at,
        ...(command === undefined ? {} : { command }),
        details: { Model: `${model.name} ${model.fingerprint}`, Gallery: `${gallery.name} ${gallery.fingerprint}` },
      },
    },
    <>
      <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      <Facts
        facts={[
          { name: 'Procedures', value: String(procedures.length), detail: `${failed.length} without a readable picture` },
          {
            name: 'Completely documented',
            value: `${complete} of ${procedures.length}`,
            detail: 'every required site that the gallery can recognise',
          },
          {
            name: 'Sites documented',
            value: percentText(sum(({ completeness }) => completeness.documented) / sum(({ completeness }) => completeness.required), 0),
            detail: 'of all required ones, over all procedures',
          },
          {
            name: 'Photographs',
            value: String(sum(({ photographs }) => photographs)),
            detail: `${sum(({ repeats }) => repeats)} near-duplicates, ${sum(({ unusable }) => unusable)} unusable`,
          },
          { name: 'Unreadable files', value: String(sum(({ unreadable }) => unreadable)) },
        ]}
      />
      {unjudged.length === 0 ? null : (
        <Notice heading={`${unjudged.length} ${unjudged.length === 1 ? 'site' : 'sites'} cannot be judged with this gallery`}>
          {`${unjudged.map(({ name }) => name).join(', ')}. Add exemplars of them to the gallery.`}
        </Notice>
      )}
      <ReliabilityNotice calibration={gallery.calibration} />
      <h2>Completeness by site</h2>
      <Figure caption="Share of the procedures in which each site is documented by a photograph, with its 95 % interval (Wilson); sites that the gallery cannot recognise are left out.">
        <BarChart
          title="Share of procedures in which each site is documented"
          axis="documented, % of the procedures"
          max={1}
          format={(value) => `${Math.round(value * 100)}`}
          bars={judged.map(({ name, optional, documentedShare, interval, documented, toCheck, missing }) => ({
            label: `${name}${optional ? ' (optional)' : ''}`,
            values: [{ value: documentedShare, interval }],
            note: `${documented} of ${documented + toCheck + missing}`,
          }))}
        />
      </Figure>
      <Table
        columns={[
          'Site',
          number('Documented'),
          number('To be checked'),
          number('Missing'),
          number('Documented, %'),
          number('95 % interval'),
        ]}
        rows={judged.map(({ name, documented, toCheck, missing, documentedShare, interval }) => [
          name,
          String(documented),
          String(toCheck),
          String(missing),
          percentText(documentedShare),
          intervalText(interval),
        ])}
      />
      <h2>Procedures</h2>
      <p class="dim">
        {(['documented', 'seen', 'unseen', 'unsupported'] as const).map((state) => (
          <>
            <Sign state={state} />
            {` ${stateWords(state, 'photographs').toLowerCase()}  `}
          </>
        ))}
      </p>
      <div class="matrix">
        <Table
          columns={['Procedure', number('Documented'), ...sites.map(({ name }) => ({ title: name }))]}
          rows={procedures.slice(0, PROCEDURES_SHOWN).map((procedure) => ({
            cells: [
              procedure.link === null ? procedure.name : <a href={procedure.link}>{procedure.name}</a>,
              `${procedure.completeness.documented} of ${procedure.completeness.required}`,
              ...sites.map(({ id }) => <Sign state={procedure.states[id] ?? 'unsupported'} />),
            ],
          }))}
        />
      </div>
      {procedures.length > PROCEDURES_SHOWN ? (
        <p class="dim">{`${procedures.length - PROCEDURES_SHOWN} more are in the CSV and the JSON.`}</p>
      ) : null}
      {failed.length === 0 ? null : (
        <>
          <h2>{`Not audited (${failed.length})`}</h2>
          <Table columns={['Folder', 'Why']} rows={failed.slice(0, FAILED_SHOWN).map(({ name, reason }) => [name, reason])} />
          {failed.length > FAILED_SHOWN ? <p class="dim">{`${failed.length - FAILED_SHOWN} more are in the CSV and the JSON.`}</p> : null}
        </>
      )}
    </>,
  );
}

function number(title: string): { readonly title: string; readonly align: 'number' } {
  return { title, align: 'number' };
}

function Sign({ state }: { state: CoverageState }) {
  const tone: Tone = STATE_TONES[state];
  const words = stateWords(state, 'photographs');
  return (
    <span class="sign" data-tone={tone} title={words} role="img" aria-label={words}>
      {SIGNS[state]}
    </span>
  );
}
