import { classInfo } from '../common/landmarks.js';
import { checklistOf } from '../procedure/final-coverage.js';
import { hasEvidence } from '../procedure/photographs/evidence.js';
import type { Procedure } from '../procedure/reader.js';
import { gatherPhotographs } from '../procedure/report/gather-photographs.js';
import { completenessOf, sitesOf } from '../procedure/report/report-sites-of.js';
import { photographName } from '../procedure/report/report-words.js';
import type { ReportPhotograph } from '../procedure/report/report.js';
import { isOfTract } from '../tracking/evidence.js';
import type { AuditedPhotograph, PhotographsAnswer } from './photograph-protocol.js';

/** What the page of photographs shows. */
export async function photographsAnswer(procedure: Procedure): Promise<PhotographsAnswer> {
  const { id, description, headHash, state } = procedure;
  const checklist = checklistOf(procedure);
  const { photographs, unreadable } = await gatherPhotographs(procedure);
  const sites = sitesOf(procedure);
  const landmarks = description.gallery.labels.filter((label) => classInfo(label).kind === 'landmark' && isOfTract(label, checklist.tract));
  const shown = photographs.map((photograph) => photographOf(photograph, `/api/procedures/${id}/pictures/`));
  const labels = new Set([
    ...landmarks,
    ...checklist.sites.flatMap((site) => site.landmarks),
    ...shown.flatMap((one) => [one.landmark, one.shows, one.counts, ...one.nearest.map(({ label }) => label)]),
  ]);
  return {
    id,
    label: description.label,
    source: description.source.label,
    startedAt: description.startedAt,
    checklist: checklist.name,
    completeness: completenessOf(sites),
    sites: sites.map((site) => ({
      id: site.id,
      name: site.name,
      optional: site.optional,
      landmarks: [...(checklist.sites.find((one) => one.id === site.id)?.landmarks ?? [])],
      state: site.state,
      manual: site.setBy !== null,
      documentedBy: [...site.documentedBy],
      doubtful: [...site.doubtful],
    })),
    photographs: shown,
    unreadable: unreadable.length,
    landmarks,
    names: Object.fromEntries([...labels].flatMap((label) => (label === null ? [] : [[label, classInfo(label).name]]))),
    headHash,
    closed: state !== 'open',
  };
}

function photographOf(photograph: ReportPhotograph, base: string): AuditedPhotograph {
  const { index, outcome, landmark, shows, score, precision, verdict, quality, doubts, repeats, counts, corrected, correction } =
    photograph;
  return {
    index,
    name: photographName(photograph),
    file: photograph.picture,
    picture: `${base}${photograph.picture}`,
    outcome,
    landmark,
    shows,
    score,
    precision,
    verdict,
    quality,
    doubts: [...doubts],
    repeats,
    counts,
    correction: corrected === undefined || correction === null ? null : { landmark: corrected, ...correction },
    nearest: photograph.nearest.map(({ label, similarity, file }) => ({
      label,
      similarity,
      picture: hasEvidence(photograph) ? `${base}${file}` : null,
    })),
  };
}
