import { intervalText, percentText } from '../../report/format.js';
import { Notice } from '../../report/notice.js';
import { renderPage } from '../../report/page.js';
import { Table } from '../../report/table.js';
import { classInfo } from '../../common/landmarks.js';
import type { ProtocolResult } from '../protocols/run-kim2025.js';

const number = (title: string) => ({ title, align: 'number' as const });
const METRICS = ['recall@1', 'recall@5', 'mAP'] as const;

/** A protocol beside what its paper reports: results, choices, faults. */
export function protocolPage(result: ProtocolResult, command: string): string {
  const { title, reported, runs, choices, faults, assembled, untrained } = result;
  return renderPage(
    { title: 'A published test, done again', subtitle: title, provenance: { command } },
    <>
      {untrained === null ? null : (
        <Notice tone="warning" heading="Nothing was trained">
          {`These are the numbers of the model as it is (${untrained}); the paper’s are those of a trained one.`}
        </Notice>
      )}
      <Table
        columns={['', number('Queries'), ...METRICS.flatMap((name) => [number(name), number('95 %')]), number('Queries with a look-alike')]}
        rows={[
          ['Reported by the paper', 'not told', ...METRICS.flatMap((name) => [percentText(reported[name], 2), 'not told']), 'not told'],
          ...runs.map(({ name, report }) => [
            `Here, ${name}`,
            report.n,
            ...METRICS.flatMap((metric) => [percentText(report.overall[metric], 2), intervalText(report.intervals.overall[metric])]),
            report.withoutLookAlikes?.removed ?? 0,
          ]),
        ]}
      />
      <p>
        “As published” parts picture by picture; a query may then have a neighbour of its own examination in the gallery. “Held apart” keeps
        pictures that look alike on one side. What the paper reports can only be compared with the first, and what to expect of pictures
        from new examinations only with the second.
      </p>
      <h2>Where the paper left a choice</h2>
      <ul>
        {choices.map((choice) => (
          <li>{choice}</li>
        ))}
      </ul>
      <h2>Faults of the published code that were not repeated</h2>
      <ul>
        {faults.map((fault) => (
          <li>{fault}</li>
        ))}
      </ul>
      <h2>The pictures</h2>
      <p>
        {assembled.pictures} pictures, {assembled.perClass} of every class; {assembled.copies} files were passed over because the same bytes
        had been taken.
      </p>
      <Table
        columns={['Class', number('from Kvasir'), number('from HyperKvasir')]}
        rows={Object.entries(assembled.sources).map(([label, { kvasir, hyperkvasir }]) => [classInfo(label).name, kvasir, hyperkvasir])}
      />
    </>,
  );
}
