import { ProcedureError } from '../../common/errors.js';
import { checklistOf } from '../final-coverage.js';
import type { Procedure } from '../reader.js';
import { pauseTimers, readTimers, startTimers, stepTimers } from '../timers.js';
import type { ProcedureReport } from './report.js';

/**
 * The timers as they were kept at closing; of a procedure without them, a video or one that was interrupted, as its detections and
 * pauses tell. Null where there is no video.
 */
export async function reportTimers(procedure: Procedure): Promise<ProcedureReport['timers']> {
  const kept = procedure.entries.findLast((entry) => entry.type === 'timers');
  if (kept !== undefined) return { totalMs: kept.totalMs, inspectionMs: kept.inspectionMs, withdrawalMs: kept.withdrawalMs };
  if (procedure.description.kind === 'photographs') return null;
  const pauses = procedure.entriesOf('pause', 'resume');
  let state = startTimers(checklistOf(procedure).tract);
  let firstUs: number | null = null;
  let done = 0;
  try {
    for await (const { ptsUs, quality, current } of procedure.detections()) {
      firstUs ??= ptsUs;
      for (; (pauses[done]?.ptsUs ?? Infinity) <= ptsUs; done++) state = pauseTimers(state, pauses[done]?.type === 'pause');
      state = stepTimers(state, { ptsUs, quality: quality.verdict, landmark: current.landmark });
    }
  } catch (error) {
    // Verification tells it; no timer is better than a wrong one.
    if (error instanceof ProcedureError) return null;
    throw error;
  }
  return firstUs === null ? null : { totalMs: ((state.lastUs ?? firstUs) - firstUs) / 1000, ...readTimers(state) };
}
