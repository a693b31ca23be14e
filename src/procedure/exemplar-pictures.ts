/** Pictures of a procedure that can become exemplars of a gallery. */
import { join } from 'node:path';
import { stillOf } from '../capture/video-file.js';
import { MediaError, ProcedureError } from '../common/errors.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { LabelledPicture } from '../retrieval/labelled-pictures.js';
import { marksOf } from './final-coverage.js';
import { photographsOfJournal } from './photographs/documentation.js';
import type { Procedure } from './reader.js';
import { partAt, videoParts } from './recording-parts.js';

/**
 * The best still of every landmark that was documented, below the procedure's folder: what the machine took them for, look at them. Where a
 * person said otherwise that counts: a still goes under the label that it was given, or not at all, and photographs that a person assigned or
 * confirmed come too.
 */
export function keptStills({ entries }: Pick<Procedure, 'entries'>): LabelledPicture[] {
  const photographs = new Map(photographsOfJournal(entries).map((photograph) => [photograph.index, photograph]));
  const said = new Map(entries.flatMap((entry) => (entry.type === 'assignment' ? [[entry.file, entry.to] as const] : [])));
  const marks = new Map(marksOf(entries).map(({ siteId, state }) => [siteId, state]));
  const byMachine = new Map<string, string>();
  const byPerson: LabelledPicture[] = [];
  const shown = new Set<number>();
  for (const entry of entries) {
    if (entry.type !== 'still-kept') continue;
    const { file, landmark, frameId, site } = entry;
    const photograph = frameId === null ? undefined : photographs.get(frameId);
    const label = said.has(file) ? said.get(file) : photograph?.corrected;
    if (label === undefined) {
      if (site === null || marks.get(site) !== 'unseen') byMachine.set(landmark, file);
    } else if (label !== null && !(photograph !== undefined && shown.has(photograph.index))) byPerson.push({ label, path: file });
    if (photograph !== undefined) shown.add(photograph.index);
  }
  for (const { index, corrected, picture } of photographs.values()) {
    if (typeof corrected === 'string' && !shown.has(index)) byPerson.push({ label: corrected, path: picture });
  }
  return [...[...byMachine].map(([label, path]) => ({ label, path })), ...byPerson];
}

/**
 * The picture that the recording shows at a time of the procedure, in full size, as JPEG.
 * @param ptsUs On the clock of the detections.
 * @throws ProcedureError `moment-not-recorded`; MediaError when the recording cannot be read.
 */
export async function pictureAt(
  procedure: Pick<Procedure, 'id' | 'folder' | 'entriesOf'>,
  ptsUs: number,
  ffmpeg: Ffmpeg,
): Promise<Uint8Array> {
  const place = partAt(await videoParts(procedure), ptsUs);
  const notRecorded = (cause?: unknown): ProcedureError =>
    new ProcedureError('moment-not-recorded', `${procedure.id}: nothing was recorded at ${(ptsUs / 1e6).toFixed(2)} s`, {
      remedy: 'Choose a moment of the recording: lumenmark procedures show tells when it began.',
      cause,
    });
  if (place === null) throw notRecorded();
  return stillOf(ffmpeg, join(procedure.folder, place.part.file), place.timeUs, null).catch((error: unknown) => {
    throw error instanceof MediaError && error.code === 'frame-missing' ? notRecorded(error) : error;
  });
}
