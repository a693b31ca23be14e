import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { UsageError } from '../../common/errors.js';
import { lumenmarkHome } from '../../common/home.js';
import { findFfmpeg } from '../../media/ffmpeg.js';
import { keptStills, pictureAt } from '../../procedure/exemplar-pictures.js';
import { readProcedure } from '../../procedure/reader.js';
import type { PictureSource } from '../../retrieval/add-to-gallery.js';
import { resolveProcedure } from '../procedures/resolve.js';

export interface ProcedureSourceFlags {
  readonly procedure: string;
  /** Moment of the recording, µs on the clock of the detections. */
  readonly at?: number;
  readonly label?: string;
}

/** What of a procedure is added: the stills that it kept, or the picture at one moment of its recording. `dispose` removes what was made for it. */
export async function procedureSource(flags: ProcedureSourceFlags): Promise<{ source: PictureSource; dispose(): Promise<void> }> {
  const folder = await resolveProcedure(lumenmarkHome(), flags.procedure);
  const procedure = await readProcedure(folder);
  const { at, label } = flags;
  if (at === undefined) {
    const stills = keptStills(procedure).filter((still) => label === undefined || still.label === label);
    const pictures = stills.map((still) => ({ ...still, path: `${basename(folder)}/${still.path}` }));
    return { source: { directory: dirname(folder), pictures }, dispose: () => Promise.resolve() };
  }
  if (label === undefined) {
    throw new UsageError('gallery-add', 'a moment of a procedure needs a label', { remedy: 'Say what it shows: --label pylorus.' });
  }
  const jpeg = await pictureAt(procedure, at, await findFfmpeg());
  const directory = await mkdtemp(join(tmpdir(), 'lumenmark-moment-'));
  const path = `${procedure.id}/moments/${Math.round(at / 1000)}-ms.jpg`;
  await mkdir(dirname(join(directory, path)), { recursive: true });
  await writeFile(join(directory, path), jpeg);
  return { source: { directory, pictures: [{ path, label }] }, dispose: () => rm(directory, { recursive: true, force: true }) };
}
