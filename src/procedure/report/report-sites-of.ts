import type { Procedure } from '../reader.js';
import { checklistOf, coverageOf, marksOf } from '../final-coverage.js';
import { documentation, photographsOfJournal } from '../photographs/documentation.js';
import type { ProcedureReport, ReportPicture, ReportSite } from './report.js';

/** The checklist as it stands after all that was said, with the best picture of every site. */
export function sitesOf(procedure: Procedure): ReportSite[] {
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

/** How many of the required sites are in which state. */
export function completenessOf(sites: readonly Pick<ReportSite, 'optional' | 'state'>[]): ProcedureReport['completeness'] {
  const required = sites.filter(({ optional }) => !optional);
  const having = (wanted: ReportSite['state']): number => required.filter(({ state }) => state === wanted).length;
  const unsupported = having('unsupported');
  return {
    required: required.length - unsupported,
    documented: having('documented'),
    seen: having('seen'),
    missing: having('unseen'),
    unsupported,
  };
}
