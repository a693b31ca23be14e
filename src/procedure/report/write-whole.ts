import { mkdir, rename, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { messageOf, ProcedureError } from '../../common/errors.js';

/** Whole or not at all: somebody may be reading the one before. */
export async function writeWhole(file: string, text: string): Promise<void> {
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(`${file}.part`, text);
    await rename(`${file}.part`, file);
  } catch (error) {
    throw new ProcedureError('report-write', `${file}: cannot be written: ${messageOf(error)}`, {
      remedy: 'Choose another folder with --out.',
      cause: error,
    });
  }
}
