import type { JSX } from 'preact';
import type { ProcedureReplay } from '../../../src/server/procedure-protocol.js';
import { clock, duration } from '../words.js';

/** With what and when: everything that an auditor asks for, and what people wrote. */
export function Facts({ replay }: { replay: ProcedureReplay }): JSX.Element {
  const { summary, model, gallery, checklist, analysis, software, events, startPtsUs } = replay;
  const { totalMs, inspectionMs, withdrawalMs } = summary.timers;
  const facts: [string, string | null][] = [
    ['Procedure', summary.id],
    ['Started', new Date(summary.startedAt).toLocaleString()],
    ['Source', summary.source],
    ['Total time', totalMs === null ? null : duration(totalMs)],
    ['Inspection time', inspectionMs === null ? null : duration(inspectionMs)],
    ['Withdrawal time', withdrawalMs === null ? null : duration(withdrawalMs)],
    ['Checklist', `${checklist.name} (${checklist.status})`],
    ['Model', `${model.name}, ${model.fingerprint.slice(0, 16)}`],
    ['Gallery', `${gallery.name}, ${gallery.exemplars} exemplars, ${gallery.fingerprint.slice(0, 16)}`],
    ['Analysis', `${analysis.fps === null ? 'every frame' : `${analysis.fps} frames a second at most`}, on ${analysis.device}`],
    ['Software', software],
    ['Marked for audit', summary.held ? 'yes' : null],
  ];
  const told = events.filter(({ kind }) => kind !== 'still');
  return (
    <div class="facts-panel">
      <dl>
        {facts.map(([name, value]) =>
          value === null ? null : (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ),
        )}
      </dl>
      {gallery.loaded ? null : (
        <p class="seal-note">
          This server has another gallery loaded, so exemplars are told by name and similarity, without their pictures.
        </p>
      )}
      {told.length === 0 ? null : (
        <ol class="facts-events">
          {told.map(({ ptsUs, at, by, text }, position) => (
            <li key={position}>
              <span class="number">{ptsUs === null ? new Date(at).toLocaleString() : clock(ptsUs - startPtsUs)}</span>
              <span>{text}</span>
              <span class="facts-by">{by}</span>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}
