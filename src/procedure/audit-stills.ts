import type { FieldOfView } from '../capture/frame.js';
import { stillOf } from '../capture/video-file.js';
import { messageOf } from '../common/errors.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { Checklist } from '../tracking/checklist.js';
import type { KeptStill } from '../tracking/coverage.js';
import type { Sighting } from '../tracking/sighting.js';
import type { ProcedureWriter } from './writer.js';

/** From when on a field of view holds, by presentation time; null: the whole picture is kept. */
export interface FieldOfViewSpan {
  readonly sincePtsUs: number;
  readonly fieldOfView: FieldOfView | null;
}

export interface AuditStillsOptions {
  readonly ffmpeg: Ffmpeg;
  /** What the stills are cut from. */
  readonly video: string;
  readonly checklist: Checklist;
  /** In order of their begin. */
  readonly spans: readonly FieldOfViewSpan[];
  readonly signal?: AbortSignal | undefined;
}

/**
 * Cuts the best frame of every landmark from the video in full size, and keeps it: by the same measure as live, quality × score. A frame
 * that cannot be cut is told as a warning: the sighting itself is not in doubt.
 */
export async function keepStills(
  writer: Pick<ProcedureWriter, 'addStill'>,
  sightings: readonly Sighting[],
  { ffmpeg, video, checklist, spans, signal }: AuditStillsOptions,
): Promise<{ stills: KeptStill[]; warnings: string[] }> {
  const best = new Map<string, Sighting>();
  for (const sighting of sightings) {
    const before = best.get(sighting.landmark);
    if (before === undefined || valueOf(sighting) > valueOf(before)) best.set(sighting.landmark, sighting);
  }
  const stills: KeptStill[] = [];
  const warnings: string[] = [];
  for (const { landmark, best: frame } of best.values()) {
    signal?.throwIfAborted();
    const { frameId, ptsUs, quality } = frame;
    const span = spans.findLast(({ sincePtsUs }) => sincePtsUs <= ptsUs);
    try {
      const jpeg = await stillOf(ffmpeg, video, ptsUs, span?.fieldOfView ?? null);
      const site = checklist.sites.find(({ landmarks }) => landmarks.includes(landmark))?.id ?? null;
      await writer.addStill({ jpeg, type: 'still-kept', site, landmark, frameId, ptsUs, quality });
      stills.push({ landmark, frameId, ptsUs, quality });
    } catch (error) {
      if (!(error instanceof Error && error.name === 'MediaError')) throw error;
      warnings.push(`The best frame of ${landmark} could not be kept as a still: ${messageOf(error)}`);
    }
  }
  return { stills, warnings };
}

function valueOf({ best }: Sighting): number {
  return best.quality * best.score;
}
