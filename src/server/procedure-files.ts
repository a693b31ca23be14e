import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcedureError } from '../common/errors.js';
import { indexDetections, type DetectionIndex } from '../procedure/detection-index.js';
import { DETECTIONS_FILE, isProcedureId, JOURNAL_FILE, procedureFolder } from '../procedure/paths.js';
import { readProcedure, type Procedure } from '../procedure/reader.js';
import { HttpError } from './problem.js';

/** What was read of a folder, and what it looked like then. */
interface Kept<T> {
  readonly stamp: string;
  readonly content: Promise<T>;
}

const PROCEDURES_KEPT = 16;
/** An hour of detections takes some tens of megabytes. */
const INDEXES_KEPT = 3;

/** Reads procedures for the routes, and keeps what was read last until the folder changes. */
export class ProcedureFiles {
  readonly #home: string;
  readonly #procedures = new Map<string, Kept<Procedure>>();
  readonly #indexes = new Map<string, Kept<DetectionIndex>>();

  constructor(home: string) {
    this.#home = home;
  }

  /** @throws HttpError 404 for what is no procedure; ProcedureError for one that cannot be read. */
  procedure(id: string): Promise<Procedure> {
    return this.#read(this.#procedures, PROCEDURES_KEPT, id, JOURNAL_FILE, async (folder) => {
      const procedure = await readProcedure(folder);
      if (procedure.id !== id) throw exchanged(id, procedure.id);
      return procedure;
    });
  }

  detections(id: string): Promise<DetectionIndex> {
    return this.#read(this.#indexes, INDEXES_KEPT, id, DETECTIONS_FILE, indexDetections);
  }

  async #read<T>(cache: Map<string, Kept<T>>, limit: number, id: string, file: string, read: (folder: string) => Promise<T>): Promise<T> {
    const folder = this.#folder(id);
    const found = await stat(join(folder, file)).catch(() => null);
    if (found === null) throw unknown(id);
    const stamp = `${found.size}-${found.mtimeMs}`;
    let kept = cache.get(id);
    if (kept?.stamp !== stamp) kept = { stamp, content: read(folder) };
    // The newest stands last; the first is the one that was not asked for longest.
    cache.delete(id);
    cache.set(id, kept);
    for (const [oldest] of cache) {
      if (cache.size <= limit) break;
      cache.delete(oldest);
    }
    return kept.content.catch((error: unknown) => {
      if (cache.get(id) === kept) cache.delete(id);
      throw error instanceof ProcedureError && error.code === 'procedure-missing' ? unknown(id) : error;
    });
  }

  #folder(id: string): string {
    if (!isProcedureId(id)) throw unknown(id);
    return procedureFolder(this.#home, id);
  }
}

function unknown(id: string): HttpError {
  return new HttpError(404, 'procedure-unknown', `There is no procedure "${id.slice(0, 60)}".`);
}

/** Half of what is shown would come from the one folder and half from the other. */
function exchanged(id: string, held: string): ProcedureError {
  return new ProcedureError('procedure-exchanged', `The folder ${id} holds another procedure, ${held}.`, {
    remedy: 'Its content was exchanged, or it was copied under this name: move it out of the home.',
  });
}
