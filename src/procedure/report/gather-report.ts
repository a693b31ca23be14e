import { startOf } from '../placed-entries.js';
import type { Procedure } from '../reader.js';
import { checklistOf, sightingsOfJournal } from '../final-coverage.js';
import { verifyProcedure, type Verification } from '../verify.js';
import { eventsOf } from './report-events.js';
import { gatherPhotographs } from './gather-photographs.js';
import { completenessOf, sitesOf } from './report-sites-of.js';
import { reportTimers } from './report-timers.js';
import { RESEARCH_USE, type ProcedureReport } from './report.js';

export interface GatherReportOptions {
  /** Public key of this installation, hex; seals by it are told from those of others. */
  readonly ownKey?: string | null;
}

/** Reads and verifies all that a report says. The same folder gives the same report. */
export async function gatherReport(procedure: Procedure, options: GatherReportOptions = {}): Promise<ProcedureReport> {
  const { folder, id, description, entries, state } = procedure;
  const checklist = checklistOf(procedure);
  const verification = await verifyProcedure(folder, options);
  const sites = sitesOf(procedure);
  const startPtsUs = await startOf(procedure);
  const { photographs, unreadable } = await gatherPhotographs(procedure);
  return {
    format: 'lumenmark-report',
    version: 1,
    notice: RESEARCH_USE,
    id,
    kind: description.kind,
    state,
    label: description.label,
    startedAt: description.startedAt,
    lastAt: entries.at(-1)?.at ?? description.startedAt,
    startPtsUs,
    source: description.source,
    checklist: { id: checklist.id, name: checklist.name, citation: checklist.citation, status: checklist.status },
    completeness: completenessOf(sites),
    sites,
    timers: await reportTimers(procedure),
    sightings: sightingsOfJournal(entries),
    events: eventsOf(procedure, startPtsUs),
    photographs,
    unreadable,
    model: description.model,
    gallery: description.gallery,
    analysis: description.analysis,
    versions: description.versions,
    // Without the folder: where it lies says nothing of the procedure.
    verification: withoutFolder(verification),
  };
}

function withoutFolder({
  id,
  verdict,
  findings,
  closing,
  lines,
  files,
  seals,
  headHash,
  key,
  amendmentsSinceHead,
}: Verification): ProcedureReport['verification'] {
  return { id, verdict, findings, closing, lines, files, seals, headHash, key, amendmentsSinceHead };
}
