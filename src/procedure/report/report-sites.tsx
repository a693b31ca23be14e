import { classInfo } from '../../common/landmarks.js';
import { clockText, percentText } from '../../report/format.js';
import { Table } from '../../report/table.js';
import type { ProcedureReport, ReportPhotograph, ReportPictures, ReportSite } from './report.js';
import { photographName, STATE_TONES, stateWords, timeText } from './report-words.js';

/** The checklist with the best picture of every site. */
export function Sites({ report, pictures }: { report: ProcedureReport; pictures: ReportPictures }) {
  return (
    <>
      <Table
        columns={['Site', 'State', 'Best picture', report.kind === 'photographs' ? 'Photographs' : 'Seen']}
        rows={report.sites.map((site) => ({
          tone: STATE_TONES[site.state],
          cells: [
            <>
              {site.name}
              {site.optional ? <span class="dim"> (optional)</span> : null}
            </>,
            <State site={site} kind={report.kind} />,
            <Picture site={site} startPtsUs={report.startPtsUs} pictures={pictures} />,
            report.kind === 'photographs' ? <ByPhotographs site={site} report={report} /> : <InView site={site} />,
          ],
        }))}
      />
      {report.photographs.some(({ precision }) => precision !== null) ? (
        <p class="dim">
          Vote: the landmark’s share among the nearest exemplars. Precision: of the gallery’s own pictures that were at least as near to the
          rest of it, the share that got the right label when it was calibrated.
        </p>
      ) : null}
      <p class="dim">{`${report.checklist.citation} Status of the list: ${report.checklist.status}.`}</p>
    </>
  );
}

function State({ site: { state, setBy }, kind }: { site: ReportSite; kind: ProcedureReport['kind'] }) {
  return (
    <>
      <span class="state" data-tone={STATE_TONES[state]}>
        {stateWords(state, kind)}
      </span>
      {setBy === null ? null : (
        <div class="dim">
          {`set by hand: ${setBy.by}, ${timeText(setBy.at)}`}
          {setBy.reason === '' ? '' : ` – ${setBy.reason}`}
        </div>
      )}
    </>
  );
}

function Picture({ site: { name, still }, startPtsUs, pictures }: { site: ReportSite; startPtsUs: number; pictures: ReportPictures }) {
  if (still === null) return <span class="dim">–</span>;
  const src = pictures.get(still.file);
  const facts = [
    ...(still.landmark === null ? [] : [classInfo(still.landmark).name]),
    ...(still.ptsUs === null ? [] : [clockText((still.ptsUs - startPtsUs) / 1e6)]),
    ...(still.quality === null ? [] : [`quality ${percentText(still.quality, 0)}`]),
  ];
  return (
    <>
      {src === undefined ? (
        <span class="dim">{`${still.file} is missing`}</span>
      ) : (
        <img class="site-picture" src={src} alt={`Best picture of ${name}`} />
      )}
      <div class="dim">{facts.join(' · ')}</div>
    </>
  );
}

function InView({ site: { sightings, dwellMs } }: { site: ReportSite }) {
  if (sightings === 0) return <span class="dim">–</span>;
  return <>{`${(dwellMs / 1000).toFixed(1)} s in view, ${sightings} sighting${sightings === 1 ? '' : 's'}`}</>;
}

function ByPhotographs({ site: { documentedBy, doubtful, guesses }, report }: { site: ReportSite; report: ProcedureReport }) {
  const byIndex = new Map(report.photographs.map((photograph) => [photograph.index, photograph]));
  const lines = (indices: readonly number[], lead: string) =>
    indices.length === 0 ? null : (
      <div>
        {lead}
        {indices.slice(0, 4).map((index, at) => (
          <>
            {at > 0 ? '; ' : ''}
            {nameOf(byIndex.get(index), index)}
          </>
        ))}
        {indices.length > 4 ? ` and ${indices.length - 4} more` : ''}
      </div>
    );
  if (documentedBy.length + doubtful.length + guesses.length === 0) return <span class="dim">none</span>;
  return (
    <>
      {lines(documentedBy, '')}
      {lines(doubtful, 'to be checked: ')}
      <span class="dim">{lines(guesses, 'perhaps, but unlike the gallery: ')}</span>
    </>
  );
}

function nameOf(photograph: ReportPhotograph | undefined, index: number): string {
  if (photograph === undefined) return `no. ${index + 1}`;
  return `${photographName(photograph)} (${photograph.corrected === undefined ? sureness(photograph) : 'by hand'})`;
}

export function sureness({ score, precision }: Pick<ReportPhotograph, 'score' | 'precision'>): string {
  return precision === null
    ? `${percentText(score, 0)} of the vote`
    : `${percentText(score, 0)} of the vote, precision ${percentText(precision, 0)}`;
}
