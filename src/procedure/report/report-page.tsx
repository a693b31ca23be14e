import { Facts, type Fact } from '../../report/facts.js';
import { clockText } from '../../report/format.js';
import { Notice } from '../../report/notice.js';
import { renderPage } from '../../report/page.js';
import { ReliabilityNotice } from './reliability-notice.js';
import { Events } from './report-event-table.js';
import { Photographs, Unreadable } from './report-photographs.js';
import { Provenance } from './report-provenance.js';
import { Sites } from './report-sites.js';
import { Timeline } from './report-timeline.js';
import type { ProcedureReport, ReportPictures } from './report.js';
import { KIND_WORDS, namesOf, timeText } from './report-words.js';

const STYLE = `
.site-picture{display:block;width:8.5rem;aspect-ratio:5/4;object-fit:contain;background:#000;border-radius:.3rem}
.state{font-weight:600;white-space:nowrap}
.state[data-tone=good]{color:var(--good)}.state[data-tone=warning]{color:var(--warning)}.state[data-tone=danger]{color:var(--danger)}.state[data-tone=dim]{color:var(--dim)}
.photo{display:grid;grid-template-columns:11rem 1fr;gap:.3rem 1rem;break-inside:avoid;padding:.6rem 0;border-bottom:1px solid var(--grid);font-size:.85rem}
.photo>img{width:11rem;aspect-ratio:5/4;object-fit:contain;background:#000;border-radius:.3rem}
.photo p{margin:.1rem 0}.photo .name{font-weight:600;overflow-wrap:anywhere}
.nearest{display:flex;gap:.6rem;margin-top:.35rem;flex-wrap:wrap}
.nearest figure{margin:0;width:6.2rem}.nearest img{width:6.2rem;aspect-ratio:5/4;object-fit:contain;background:#000;border-radius:.2rem;display:block}
.nearest figcaption{font-size:.74rem;margin:.1rem 0 0;line-height:1.25}
.hash{font:.82em/1.5 ui-monospace,Menlo,Consolas,monospace;overflow-wrap:anywhere}
`;

/** The report as one HTML page that needs nothing beside itself. */
export function reportPage(report: ProcedureReport, pictures: ReportPictures): string {
  const { label, id, kind, startedAt, source, sites, verification } = report;
  const required = sites.filter(({ optional }) => !optional);
  const missing = required.filter(({ state }) => state === 'unseen');
  const unsupported = required.filter(({ state }) => state === 'unsupported');
  const toCheck = required.filter(({ state }) => state === 'seen');
  const corrected = report.photographs.filter(({ corrected: said }) => said !== undefined).length;
  return renderPage(
    {
      title: label ?? (kind === 'photographs' ? source.label : `Procedure ${id}`),
      subtitle: `${KIND_WORDS[kind]} · ${timeText(startedAt)} · ${report.checklist.name}`,
      notice: report.notice,
      provenance: {
        at: new Date(report.lastAt),
        details: {
          Procedure: id,
          'Kept with': `lumenmark ${report.versions.lumenmark}, Node ${report.versions.node}`,
          'Head hash': verification.headHash ?? 'none: not closed',
        },
      },
    },
    <>
      <style dangerouslySetInnerHTML={{ __html: STYLE }} />
      {source.simulated ? <Notice heading="Simulated procedure">Nothing of this was taken from a patient.</Notice> : null}
      <Verdict report={report} />
      {report.state === 'interrupted' ? (
        <Notice tone="warning" heading="Interrupted">
          The program died during this procedure; it was closed at the next start. What follows is what had been kept by then.
        </Notice>
      ) : null}
      {report.state === 'open' ? (
        <Notice tone="warning" heading="Not closed">
          This procedure was still being written when the report was made.
        </Notice>
      ) : null}
      <Facts facts={factsOf(report)} />
      {missing.length === 0 ? null : (
        <Notice tone="danger" heading={`${missing.length} required ${missing.length === 1 ? 'site is' : 'sites are'} not documented`}>
          {namesOf(missing)}
        </Notice>
      )}
      {toCheck.length === 0 ? null : (
        <Notice
          tone="warning"
          heading={
            kind === 'photographs'
              ? `${toCheck.length} ${toCheck.length === 1 ? 'site has' : 'sites have'} only doubtful photographs`
              : `${toCheck.length} ${toCheck.length === 1 ? 'site was' : 'sites were'} seen without an adequate still`
          }
        >
          {namesOf(toCheck)}
        </Notice>
      )}
      {unsupported.length === 0 ? null : (
        <Notice heading={`${unsupported.length} required ${unsupported.length === 1 ? 'site' : 'sites'} cannot be judged`}>
          {`The gallery has no exemplar of: ${namesOf(unsupported)}. Whether they were examined is not known.`}
        </Notice>
      )}
      {corrected === 0 ? null : (
        <Notice heading={`${corrected} ${corrected === 1 ? 'photograph was' : 'photographs were'} judged by hand`}>
          Where somebody corrected or confirmed an assignment, that counts; what the machine had said stands beside it.
        </Notice>
      )}
      <ReliabilityNotice calibration={report.gallery.calibration} />
      <h2>Checklist</h2>
      <Sites report={report} pictures={pictures} />
      <Timeline report={report} />
      <Photographs report={report} pictures={pictures} />
      <Unreadable report={report} />
      <Events report={report} />
      <Provenance report={report} />
    </>,
  );
}

function Verdict({ report: { verification, kind } }: { report: ProcedureReport }) {
  const { verdict, findings, headHash, lines, files } = verification;
  if (verdict === 'intact') {
    return (
      <Notice tone="good" heading="Verified when this report was made">
        <p>
          {`The journal (${lines} lines) and ${files} files are as they were sealed.`} Keep this head hash elsewhere to prove it later:{' '}
          <span class="hash">{headHash ?? ''}</span>
        </p>
      </Notice>
    );
  }
  return (
    <Notice
      tone={verdict === 'altered' ? 'danger' : 'warning'}
      heading={verdict === 'altered' ? 'This procedure was altered after it was sealed' : 'This procedure is unfinished'}
    >
      <ul>
        {findings.slice(0, 10).map(({ message }) => (
          <li>{message}</li>
        ))}
        {findings.length > 10 ? <li>{`… and ${findings.length - 10} more`}</li> : null}
      </ul>
      {kind === 'photographs' ? null : <p>What follows is what the folder says now.</p>}
    </Notice>
  );
}

function factsOf({ completeness, timers, kind, photographs, unreadable, sightings }: ProcedureReport): Fact[] {
  const { required, documented, seen, missing, unsupported } = completeness;
  const facts: Fact[] = [
    { name: 'Documented', value: `${documented} of ${required}`, detail: 'required sites that the gallery can recognise' },
    { name: kind === 'photographs' ? 'To be checked' : 'Seen only', value: String(seen) },
    { name: kind === 'photographs' ? 'Missing' : 'Not seen', value: String(missing) },
    { name: 'Cannot be judged', value: String(unsupported) },
  ];
  if (kind === 'photographs') {
    const repeats = photographs.filter((one) => one.repeats !== null).length;
    const unusable = photographs.filter(({ outcome, repeats: of }) => outcome === 'unusable' && of === null).length;
    const detail = [
      ...(repeats > 0 ? [`${repeats} near-duplicate${repeats === 1 ? '' : 's'}`] : []),
      ...(unusable > 0 ? [`${unusable} unusable`] : []),
      ...(unreadable.length > 0 ? [`${unreadable.length} unreadable beside them`] : []),
    ].join(', ');
    facts.push({ name: 'Photographs', value: String(photographs.length), ...(detail === '' ? {} : { detail }) });
    return facts;
  }
  if (timers !== null) {
    facts.push({ name: 'Total time', value: clockText(timers.totalMs / 1000) });
    if (timers.inspectionMs !== null)
      facts.push({ name: 'Inspection', value: clockText(timers.inspectionMs / 1000), detail: 'first to last frame in the body' });
    if (timers.withdrawalMs !== null) {
      facts.push({
        name: 'Withdrawal',
        value: clockText(timers.withdrawalMs / 1000),
        detail: 'in the body since the caecum, without interventions',
      });
    }
  }
  facts.push({ name: 'Sightings', value: String(sightings.length) });
  return facts;
}
