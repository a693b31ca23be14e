/** Pictures of a procedure that can become exemplars of a gallery. */
import { join } from 'node:path';
import { stillOf } from '../capture/video-file.js';
import { ProcedureError } from '../common/errors.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { LabelledPicture } from '../retrieval/labelled-pictures.js';
import type { Procedure } from './reader.js';
import { partAt, videoParts } from './recording-parts.js';

/** The best still of every landmark that was documented, below the procedure's folder. What the machine took them for, not what is true: look at them. */
export function keptStills(procedure: Pick<Procedure, 'entriesOf'>): LabelledPicture[] {
  const best = new Map(procedure.entriesOf('still-kept').map(({ landmark, file }) => [landmark, file]));
  return [...best].map(([label, path]) => ({ label, path }));
}

/**
 * The picture that the recording shows at a time of the procedure, in full size, as JPEG.
 * @param ptsUs On the clock of the detections.
 * @throws ProcedureError `moment-not-recorded`; MediaError when the recording ends before, or cannot be read.
 */
export async function pictureAt(
  procedure: Pick<Procedure, 'id' | 'folder' | 'entriesOf'>,
  ptsUs: number,
  ffmpeg: Ffmpeg,
): Promise<Uint8Array> {
  const place = partAt(await videoParts(procedure), ptsUs);
  if (place === null) {
    throw new ProcedureError('moment-not-recorded', `${procedure.id}: nothing was recorded at ${(ptsUs / 1e6).toFixed(2)} s`, {
      remedy: 'Choose a moment of the recording: lumenmark procedures show tells when it began.',
    });
  }
  return stillOf(ffmpeg, join(procedure.folder, place.part.file), place.timeUs, null);
}
