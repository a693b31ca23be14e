import { csvText } from '../../common/csv-text.js';
import type { ProcedureReport } from './report.js';

const SITE_COLUMNS = [
  'procedure',
  'kind',
  'label',
  'started_at',
  'checklist',
  'site',
  'site_name',
  'optional',
  'state',
  'set_by',
  'set_reason',
  'landmark',
  'picture',
  'photograph',
  'vote',
  'precision',
  'quality',
  'corrected_by',
  'sightings',
  'dwell_ms',
  'still_pts_us',
  'verdict',
  'head_hash',
] as const;

/** A line per site. */
export function sitesCsv(report: ProcedureReport): string {
  const { id, kind, label, startedAt, checklist, sites, verification } = report;
  const byPicture = new Map(report.photographs.map((photograph) => [photograph.picture, photograph]));
  return csvText(
    SITE_COLUMNS,
    sites.map((site) => {
      const photograph = byPicture.get(site.still?.file ?? '');
      return [
        id,
        kind,
        label,
        startedAt,
        checklist.id,
        site.id,
        site.name,
        site.optional,
        site.state,
        site.setBy?.by,
        site.setBy?.reason,
        site.still?.landmark,
        site.still?.file,
        photograph?.path,
        photograph?.score,
        photograph?.precision,
        site.still?.quality,
        photograph?.correction?.by,
        site.sightings,
        site.dwellMs,
        site.still?.ptsUs,
        verification.verdict,
        verification.headHash,
      ];
    }),
  );
}

const PHOTOGRAPH_COLUMNS = [
  'procedure',
  'number',
  'photograph',
  'picture_of_file',
  'sha256',
  'outcome',
  'landmark',
  'vote',
  'precision',
  'verdict',
  'quality',
  'doubts',
  'repeats',
  'counts_as',
  'corrected_by',
  'corrected_at',
  'correction_reason',
  'nearest',
  'unreadable_because',
] as const;

/** A line per photograph, then one per file that could not be read. */
export function photographsCsv({ id, photographs, unreadable }: ProcedureReport): string {
  return csvText(PHOTOGRAPH_COLUMNS, [
    ...photographs.map((one) => [
      id,
      one.index + 1,
      one.path,
      one.frame === null ? null : one.frame + 1,
      one.sha256,
      one.outcome,
      one.landmark,
      one.score,
      one.precision,
      one.verdict,
      one.quality,
      one.doubts.join(' '),
      one.repeats === null ? null : one.repeats + 1,
      one.counts,
      one.correction?.by,
      one.correction?.at,
      one.correction?.reason,
      one.nearest.map(({ label, similarity }) => `${label} ${similarity.toFixed(3)}`).join('; '),
      null,
    ]),
    ...unreadable.map(({ path, reason }) => [id, null, path, ...Array<null>(PHOTOGRAPH_COLUMNS.length - 4).fill(null), reason]),
  ]);
}
