import { classInfo } from '../../common/landmarks.js';
import { Notice } from '../../report/notice.js';
import { Table } from '../../report/table.js';
import type { EvaluationReport } from '../report.js';

/** Longer lists are in the JSON. */
const SHOWN = 40;

/** What was evaluated, what was left out, how long it took, and how every number is defined. */
export function DataSection({ report }: { readonly report: EvaluationReport }) {
  const { data, leftOut, timings } = report;
  return (
    <>
      <h2>The pictures</h2>
      <p>
        {data.title}: {data.pictures} pictures of {Object.keys(data.labels).length} labels in {data.groups} groups.{' '}
        {data.lookAlikes.pictures === 0
          ? ''
          : `${data.lookAlikes.pictures} of them look like another one${data.lookAlikes.minSimilarity === null ? ' by perceptual hash' : ` by perceptual hash or a similarity of at least ${data.lookAlikes.minSimilarity.toFixed(3)}`}, and count as of one examination. `}
        The largest group holds {data.largestGroup}. What does not look alike may be of one examination all the same: only patient or
        examination ids can tell.
      </p>
      {data.licence === null ? null : <Notice heading="Licence of the pictures">{data.licence}</Notice>}
      {data.notes.length === 0 ? null : (
        <Notice heading="About this data set">
          {data.notes.map((note) => (
            <p>{note}</p>
          ))}
        </Notice>
      )}
      <Table
        columns={['Left out', { title: 'Count', align: 'number' }, 'Which']}
        rows={[
          ['Cannot be read', leftOut.unreadable.length, listed(leftOut.unreadable.map(({ path, reason }) => `${path} (${reason})`))],
          ['Without a label', leftOut.unlabelled.length, listed(leftOut.unlabelled)],
          ['Named in a table, but not there', leftOut.missing.length, listed(leftOut.missing)],
          ['Copies of the same file', leftOut.copies.length, listed(leftOut.copies.map(({ path, of }) => `${path} = ${of}`))],
          ['In no part of the split that is used', leftOut.bySplit, ''],
        ]}
      />
      {data.unknownLabels.length === 0 ? null : (
        <p>Labels that the table of known classes lacks, kept as they are: {data.unknownLabels.join(', ')}.</p>
      )}
      {data.singleLabels.length === 0 ? null : (
        <p>
          Labels of a single picture, for which nothing can be found: {data.singleLabels.map((label) => classInfo(label).name).join(', ')}.
        </p>
      )}
      <p>
        {timings.embeddingMs === null
          ? ''
          : `Reading and embedding took ${timings.embeddingMs.toFixed(1)} ms a picture (${timings.fromCache} of ${timings.embedded} came from the cache). `}
        Ranking the whole gallery took {timings.rankingMs.toFixed(2)} ms a query.
      </p>
      <h2>Definitions</h2>
      <Table columns={['Number', 'What it is']} rows={Object.entries(report.definitions).map(([name, text]) => [name, text])} />
    </>
  );
}

function listed(lines: readonly string[]): string {
  const shown = lines.slice(0, SHOWN).join('; ');
  return lines.length > SHOWN ? `${shown}; … and ${lines.length - SHOWN} more` : shown;
}
