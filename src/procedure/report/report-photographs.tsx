import { classInfo } from '../../common/landmarks.js';
import { ContactSheet } from '../../report/contact-sheet.js';
import { Table } from '../../report/table.js';
import type { ProcedureReport, ReportPhotograph, ReportPictures } from './report.js';
import { sureness } from './report-sites.js';
import { DOUBT_WORDS, photographName, timeText, VERDICT_WORDS } from './report-words.js';

/** Photographs shown with their evidence, and in contact sheets; the JSON and the CSV have all. */
export const PHOTOGRAPHS_SHOWN = 150;
const UNREADABLE_SHOWN = 40;

export interface PhotographGroup {
  readonly title: string;
  readonly note: string;
  /** With the nearest exemplars beside each. */
  readonly evidence: boolean;
  readonly photographs: readonly ReportPhotograph[];
}

/** Every photograph is in one group; the first that fits. */
export function photographGroups(photographs: readonly ReportPhotograph[]): PhotographGroup[] {
  const judged = photographs.filter(({ corrected }) => corrected !== undefined);
  const rest = photographs.filter(({ corrected }) => corrected === undefined);
  const repeats = rest.filter((one) => one.repeats !== null);
  const having = (...outcomes: ReportPhotograph['outcome'][]): ReportPhotograph[] =>
    rest.filter((one) => one.repeats === null && outcomes.includes(one.outcome));
  const groups: PhotographGroup[] = [
    { title: 'Judged by hand', note: 'The word of a person counts; the machine’s stands beside it.', evidence: true, photographs: judged },
    {
      title: 'To be checked',
      note: 'Each resembles a landmark of the gallery, but not clearly enough to count.',
      evidence: true,
      photographs: having('doubtful'),
    },
    {
      title: 'Assigned to a landmark',
      note: 'Beside each the exemplars of the gallery that it resembles most.',
      evidence: true,
      photographs: having('assigned'),
    },
    {
      title: 'Unlike anything in the gallery',
      note: 'The nearest class is a guess and does not count.',
      evidence: false,
      photographs: having('unknown'),
    },
    {
      title: 'Show no landmark',
      note: 'They resemble findings, interventions or bowel preparation.',
      evidence: false,
      photographs: having('other'),
    },
    {
      title: 'Unusable',
      note: 'Blurred, dark, overexposed, too close to the wall, or outside the body.',
      evidence: false,
      photographs: having('unusable'),
    },
    { title: 'Near-duplicates', note: 'They repeat another photograph and do not count beside it.', evidence: false, photographs: repeats },
  ];
  return groups.filter((group) => group.photographs.length > 0);
}

export function Photographs({ report, pictures }: { report: ProcedureReport; pictures: ReportPictures }) {
  if (report.photographs.length === 0) return null;
  const names = new Map(report.photographs.map((photograph) => [photograph.index, photographName(photograph)]));
  return (
    <>
      <h2>Photographs</h2>
      {photographGroups(report.photographs).map(({ title, note, evidence, photographs }) => (
        <>
          <h3>{`${title} (${photographs.length})`}</h3>
          <p class="dim">{note}</p>
          {evidence ? (
            photographs.slice(0, PHOTOGRAPHS_SHOWN).map((photograph) => <WithEvidence photograph={photograph} pictures={pictures} />)
          ) : (
            <ContactSheet
              pictures={photographs.slice(0, PHOTOGRAPHS_SHOWN).map((photograph) => ({
                src: pictures.get(photograph.picture) ?? null,
                title: photographName(photograph),
                lines: [wordsOf(photograph, names)],
              }))}
              sidePx={130}
            />
          )}
          {photographs.length > PHOTOGRAPHS_SHOWN ? (
            <p class="dim">{`${photographs.length - PHOTOGRAPHS_SHOWN} more are listed in the JSON and in photographs.csv.`}</p>
          ) : null}
        </>
      ))}
    </>
  );
}

function WithEvidence({ photograph, pictures }: { photograph: ReportPhotograph; pictures: ReportPictures }) {
  const { landmark, corrected, counts, correction, doubts, nearest, verdict } = photograph;
  const name = photographName(photograph);
  return (
    <article class="photo">
      <img src={pictures.get(photograph.picture)} alt={name} />
      <div>
        <p class="name">{name}</p>
        {corrected === undefined ? (
          <p>
            <b>{landmark === null ? '–' : classInfo(landmark).name}</b>
            {` · ${sureness(photograph)}`}
            {verdict === 'good' ? '' : ` · ${VERDICT_WORDS[verdict]}`}
          </p>
        ) : (
          <>
            <p>
              <b>{counts === null ? 'No landmark' : classInfo(counts).name}</b>
              {corrected === landmark ? ' · confirmed' : ' · corrected'}
              {correction === null
                ? ''
                : ` by ${correction.by}, ${timeText(correction.at)}${correction.reason === '' ? '' : ` – ${correction.reason}`}`}
            </p>
            <p class="dim">{`The machine had said: ${machineWords(photograph)}`}</p>
          </>
        )}
        {corrected === undefined && doubts.length > 0 ? <p class="dim">{doubts.map((doubt) => DOUBT_WORDS[doubt]).join(', ')}</p> : null}
        <div class="nearest">
          {nearest.map(({ label, similarity, file }) => {
            const src = pictures.get(file);
            return (
              <figure>
                {src === undefined ? null : <img src={src} alt={`Exemplar of ${classInfo(label).name}`} />}
                <figcaption>{`${classInfo(label).name} · ${similarity.toFixed(2)}`}</figcaption>
              </figure>
            );
          })}
        </div>
      </div>
    </article>
  );
}

function machineWords({ outcome, landmark, score, verdict, shows }: ReportPhotograph): string {
  const name = landmark === null ? '' : classInfo(landmark).name;
  switch (outcome) {
    case 'assigned':
    case 'doubtful':
      return `${name}${outcome === 'doubtful' ? ', in doubt' : ''} (${Math.round(score * 100)} % of the vote)`;
    case 'unknown':
      return name === '' ? 'unlike the gallery' : `unlike the gallery, nearest ${name}`;
    case 'other':
      return shows === null ? 'no landmark' : `no landmark, ${classInfo(shows).name}`;
    case 'unusable':
      return `unusable: ${VERDICT_WORDS[verdict]}`;
  }
}

function wordsOf(photograph: ReportPhotograph, names: ReadonlyMap<number, string>): string {
  if (photograph.repeats !== null) return `repeats ${names.get(photograph.repeats) ?? `no. ${photograph.repeats + 1}`}`;
  return machineWords(photograph);
}

/** What could not be read, counted and listed. */
export function Unreadable({ report: { unreadable } }: { report: ProcedureReport }) {
  if (unreadable.length === 0) return null;
  return (
    <>
      <h2>{`Not readable (${unreadable.length})`}</h2>
      <Table columns={['File', 'Why']} rows={unreadable.slice(0, UNREADABLE_SHOWN).map(({ path, reason }) => [path, reason])} />
      {unreadable.length > UNREADABLE_SHOWN ? (
        <p class="dim">{`${unreadable.length - UNREADABLE_SHOWN} more are listed in the JSON.`}</p>
      ) : null}
    </>
  );
}
