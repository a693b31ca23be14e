import type { FieldOfView } from '../capture/frame.js';
import { stillOf } from '../capture/video-file.js';
import { messageOf } from '../common/errors.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { Checklist } from '../tracking/checklist.js';
import type { KeptStill } from '../tracking/coverage.js';
import type { Sighting } from '../tracking/sighting.js';
import type { ProcedureWriter } from './writer.js';

/** Where the picture of a frame is to be had: a file, the time in it, and what of it may be shown (null: all). */
export interface FramePlace {
  readonly video: string;
  readonly timeUs: number;
  readonly fieldOfView: FieldOfView | null;
}

export interface AuditStillsOptions {
  readonly ffmpeg: Ffmpeg;
  readonly checklist: Checklist;
  /** Null where no video shows that time. */
  readonly placeOf: (ptsUs: number) => FramePlace | null;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Cuts the best frame of every landmark from the video in full size, and keeps it: by the same measure as live, quality × score. A frame
 * that cannot be cut is told as a warning: the sighting itself is not in doubt.
 */
export async function keepStills(
  writer: Pick<ProcedureWriter, 'addStill'>,
  sightings: readonly Sighting[],
  { ffmpeg, checklist, placeOf, signal }: AuditStillsOptions,
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
    const place = placeOf(ptsUs);
    if (place === null) continue;
    try {
      const jpeg = await stillOf(ffmpeg, place.video, place.timeUs, place.fieldOfView);
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
