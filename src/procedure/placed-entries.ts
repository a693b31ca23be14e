import { ProcedureError } from '../common/errors.js';
import type { Entry } from './entries.js';
import type { Procedure } from './reader.js';

/**
 * Where the clock of the source stood when the procedure began, µs: at the first analysed frame, or where there is none at the beginning of
 * the video. What people read counts from it, as the timers and the video do.
 */
export async function startOf(procedure: Pick<Procedure, 'detections' | 'entriesOf'>): Promise<number> {
  try {
    for await (const { ptsUs } of procedure.detections()) return ptsUs;
  } catch (error) {
    // Verification tells it.
    if (!(error instanceof ProcedureError)) throw error;
  }
  return procedure.entriesOf('recording-started')[0]?.originPtsUs ?? 0;
}

export interface PlacedEntry {
  readonly entry: Entry;
  readonly ptsUs: number;
}

/**
 * Lines of a journal, placed on the clock of the source and put in order of it. Lines that tell no time of the source lie after the last one
 * that did, by as much time as passed on the machine's clock; in an import, whose clock ran faster, at the same place. A still of an import counts
 * from the moment that it shows, since that is when it would have been kept.
 */
export function placedEntries(entries: readonly Entry[], isLive: boolean, startPtsUs: number): PlacedEntry[] {
  let anchor = { ptsUs: startPtsUs, monotonicMs: firstFrameMs(entries, isLive) };
  const placed = entries.map((entry): PlacedEntry => {
    const own = ownTime(entry, isLive);
    const passedMs = isLive && entry.monotonicMs !== null ? Math.max(0, entry.monotonicMs - anchor.monotonicMs) : 0;
    const ptsUs = own ?? anchor.ptsUs + passedMs * 1000;
    // A picture may be of an earlier moment than the line that tells of it; then time does not go back.
    if (ptsUs >= anchor.ptsUs) anchor = { ptsUs, monotonicMs: Math.max(anchor.monotonicMs, entry.monotonicMs ?? 0) };
    return { entry, ptsUs: isLive ? Math.max(ptsUs, anchor.ptsUs) : ptsUs };
  });
  return placed
    .map((one, position) => ({ one, position }))
    .sort((a, b) => a.one.ptsUs - b.one.ptsUs || a.position - b.position)
    .map(({ one }) => one);
}

/** When the first frame came, on the clock of the journal: a source that has to be opened first gives none until it runs. */
function firstFrameMs(entries: readonly Entry[], isLive: boolean): number {
  const timed = entries.findIndex((entry) => ownTime(entry, isLive) !== null);
  const running = entries.findIndex((entry) => entry.type === 'source' && entry.state === 'running');
  return running >= 0 && (timed < 0 || running < timed) ? (entries[running]?.monotonicMs ?? 0) : 0;
}

/** The time that a line tells by itself, µs, or null. */
function ownTime(entry: Entry, isLive: boolean): number | null {
  // The last frame that supported it so far is the one that opened it.
  if (entry.type === 'sighting-opened' || entry.type === 'sighting-closed') return entry.sighting.endPtsUs;
  if (entry.type === 'still-kept') return isLive ? null : entry.ptsUs;
  if (entry.type === 'recording-started') return entry.originPtsUs;
  if (entry.type === 'capture' || entry.type === 'note' || entry.type === 'pause' || entry.type === 'resume') return entry.ptsUs;
  return null;
}
