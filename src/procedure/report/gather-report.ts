import type { Procedure } from '../reader.js';
import { checklistOf, coverageOf, marksOf, sightingsOfJournal } from '../final-coverage.js';
import { documentation, photographsOfJournal } from '../photographs/documentation.js';
import { verifyProcedure, type Verification } from '../verify.js';
import { eventsOf } from './report-events.js';
import { gatherPhotographs } from './gather-photographs.js';
import { RESEARCH_USE, type ProcedureReport, type ReportPicture, type ReportSite } from './report.js';

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
  const required = sites.filter(({ optional }) => !optional);
  const having = (wanted: ReportSite['state']): number => required.filter((site) => site.state === wanted).length;
  const timers = entries.findLast((entry) => entry.type === 'timers') ?? null;
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
    source: description.source,
    checklist: { id: checklist.id, name: checklist.name, citation: checklist.citation, status: checklist.status },
    completeness: {
      required: required.length - having('unsupported'),
      documented: having('documented'),
      seen: having('seen'),
      missing: having('unseen'),
      unsupported: having('unsupported'),
    },
    sites,
    timers: timers === null ? null : { totalMs: timers.totalMs, inspectionMs: timers.inspectionMs, withdrawalMs: timers.withdrawalMs },
    sightings: sightingsOfJournal(entries),
    events: eventsOf(entries),
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
  lines,
  files,
  seals,
  headHash,
  key,
  amendmentsSinceHead,
}: Verification): ProcedureReport['verification'] {
  return { id, verdict, findings, lines, files, seals, headHash, key, amendmentsSinceHead };
}

function sitesOf(procedure: Procedure): ReportSite[] {
  const { entries, description } = procedure;
  const checklist = checklistOf(procedure);
  const judged = photographsOfJournal(entries);
  const pictureOf = new Map(judged.map((photograph) => [photograph.index, photograph]));
  const byPhotograph = new Map(
    documentation(checklist, description.gallery.labels, judged, marksOf(entries)).map((site) => [site.id, site]),
  );
  const kept = new Map<string, ReportPicture>();
  for (const entry of entries) {
    if (entry.type !== 'still-kept') continue;
    const { file, landmark, quality, ptsUs, frameId } = entry;
    kept.set(`${landmark} ${frameId ?? 0}`, { file, landmark, quality, ptsUs });
  }
  return coverageOf(procedure).sites.map(({ id, optional, state, manual, sightings, dwellMs, still }) => {
    const mark = manual ? entries.findLast((entry) => entry.type === 'site-set' && entry.site === id) : undefined;
    const photographs = byPhotograph.get(id);
    const best = judged.length === 0 ? undefined : pictureOf.get(photographs?.documentedBy[0] ?? photographs?.doubtful[0] ?? -1);
    return {
      id,
      name: checklist.sites.find((site) => site.id === id)?.name ?? id,
      optional,
      state,
      setBy: mark?.type === 'site-set' ? { by: mark.by, at: mark.at, reason: mark.reason } : null,
      sightings,
      dwellMs,
      still:
        best !== undefined
          ? { file: best.picture, landmark: best.counts ?? best.landmark, quality: best.quality, ptsUs: null }
          : still === null
            ? null
            : (kept.get(`${still.landmark} ${still.frameId}`) ?? null),
      documentedBy: photographs?.documentedBy ?? [],
      doubtful: photographs?.doubtful ?? [],
      guesses: photographs?.guesses ?? [],
    };
  });
}
