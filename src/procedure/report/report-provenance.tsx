import type { ComponentChild } from 'preact';
import { Table } from '../../report/table.js';
import type { ProcedureReport } from './report.js';
import { timeText } from './report-words.js';

const OWNERS = { expected: 'as expected', own: 'of this installation', unknown: 'of another installation' } as const;

/** What made the procedure, so that somebody can tell whether two are comparable, and what proves that it is unaltered. */
export function Provenance({ report }: { report: ProcedureReport }) {
  const { model, gallery, analysis, versions, verification, source } = report;
  const { key, seals, headHash, lines, files } = verification;
  const rate =
    report.kind === 'photographs' ? 'every photograph' : analysis.fps === null ? 'every frame' : `${analysis.fps} frames a second at most`;
  const rows: [string, ComponentChild][] = [
    ['Procedure', report.id],
    ['Source', `${source.label}${source.sha256 === null ? '' : ` (SHA-256 ${source.sha256})`}`],
    ['Model', <Hashed name={model.name} hash={model.fingerprint} />],
    [
      'Gallery',
      <Hashed name={`${gallery.name}, ${gallery.exemplars} exemplars of ${gallery.labels.length} classes`} hash={gallery.fingerprint} />,
    ],
    ['Analysis', `${analysis.width} × ${analysis.height} px, ${rate}, field of view ${analysis.fieldOfView}, on ${analysis.device}`],
    [
      'Software',
      `lumenmark ${versions.lumenmark}, Node ${versions.node}${versions.ffmpeg === null ? '' : `, ffmpeg ${versions.ffmpeg}`}${versions.onnxruntime === null ? '' : `, onnxruntime ${versions.onnxruntime}`}`,
    ],
    [
      'Journal',
      `${lines} lines, ${files} files listed, ${seals.length} seal${seals.length === 1 ? '' : 's'}${seals.length === 0 ? '' : `, the last of ${timeText(seals.at(-1)?.at ?? '')}`}`,
    ],
    ['Head hash', <span class="hash">{headHash ?? 'none: not closed'}</span>],
    ['Key', key === null ? 'none' : <Hashed name={`${key.name}, ${OWNERS[key.owner]}`} hash={key.publicKey} />],
    ['Verification', verification.verdict],
  ];
  return (
    <>
      <h2>What made it, and what proves it</h2>
      <Table columns={['', '']} rows={rows} />
      <p class="dim">
        Times are those of the machine’s clock. The seal proves that the folder is as this installation closed it; that nothing was left out
        or made anew can only be proven with a head hash that was kept elsewhere.
      </p>
    </>
  );
}

function Hashed({ name, hash }: { name: string; hash: string }) {
  return (
    <>
      {name}
      <div class="hash dim">{hash}</div>
    </>
  );
}
