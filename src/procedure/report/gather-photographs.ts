import { ProcedureError } from '../../common/errors.js';
import type { DetectionLine } from '../detection-line.js';
import { photographsOfJournal } from '../photographs/documentation.js';
import { EVIDENCE_SHOWN, evidencePath } from '../photographs/evidence.js';
import { readPhotographs } from '../photographs/photograph-line.js';
import type { Procedure } from '../reader.js';
import type { ProcedureReport, ReportPhotograph } from './report.js';

/** The photographs of a procedure, with what was found and what was said of them; none where there is a video. */
export async function gatherPhotographs(procedure: Procedure): Promise<Pick<ProcedureReport, 'photographs' | 'unreadable'>> {
  const judged = new Map(photographsOfJournal(procedure.entries).map((photograph) => [photograph.index, photograph]));
  if (procedure.description.kind !== 'photographs' || judged.size === 0) return { photographs: [], unreadable: [] };
  const { photographs, unreadable } = await readPhotographs(procedure.folder).catch((error: unknown) => {
    // Verification tells it; a report of an altered folder must still be had.
    if (error instanceof ProcedureError) return { photographs: [], unreadable: [] };
    throw error;
  });
  const detections = await detectionsByFrame(procedure);
  return {
    photographs: photographs.flatMap((line): ReportPhotograph[] => {
      const photograph = judged.get(line.index);
      if (photograph === undefined) return [];
      const detection = detections.get(line.index);
      const last = procedure.entries.findLast((entry) => entry.type === 'assignment' && entry.file === line.picture);
      return [
        {
          ...line,
          // The journal is what counts.
          ...photograph,
          verdict: detection?.quality.verdict ?? 'good',
          nearest: (detection?.neighbours ?? [])
            .slice(0, EVIDENCE_SHOWN)
            .map(({ exemplar, label, similarity }) => ({ exemplar, label, similarity, file: evidencePath(exemplar) })),
          correction: last?.type === 'assignment' ? { by: last.by, at: last.at, reason: last.reason } : null,
        },
      ];
    }),
    unreadable: unreadable.map(({ path, reason }) => ({ path, reason })),
  };
}

async function detectionsByFrame(procedure: Procedure): Promise<ReadonlyMap<number, DetectionLine>> {
  const detections = new Map<number, DetectionLine>();
  try {
    for await (const line of procedure.detections()) detections.set(line.frameId, line);
  } catch (error) {
    // Verification tells it; what could be read is shown.
    if (!(error instanceof ProcedureError)) throw error;
  }
  return detections;
}
