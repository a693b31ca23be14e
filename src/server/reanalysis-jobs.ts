import { LumenmarkError, messageOf } from '../common/errors.js';
import type { Procedure } from '../procedure/reader.js';
import { reanalyse, type ReanalyseOptions } from '../procedure/reanalyse.js';
import { HttpError } from './problem.js';
import type { ProcedureReanalysis, ReanalysisResult } from './procedure-protocol.js';

const NONE: ProcedureReanalysis = { state: 'none', frames: 0, totalFrames: 0, result: null, message: null };
/** Results of so many procedures are remembered. */
const REMEMBERED = 20;

/** Re-analyses that the page asks for: one at a time, since they share the model with whatever is live. */
export class ReanalysisJobs {
  readonly #tools: Pick<ReanalyseOptions, 'gallery' | 'embedder' | 'ffmpeg'>;
  readonly #jobs = new Map<string, ProcedureReanalysis>();

  constructor(tools: Pick<ReanalyseOptions, 'gallery' | 'embedder' | 'ffmpeg'>) {
    this.#tools = tools;
  }

  of(id: string): ProcedureReanalysis {
    return this.#jobs.get(id) ?? NONE;
  }

  /** @throws HttpError 409 while another one runs. */
  start(procedure: Procedure): ProcedureReanalysis {
    const { id } = procedure;
    if (this.of(id).state === 'running') return this.of(id);
    if ([...this.#jobs.values()].some(({ state }) => state === 'running')) {
      throw new HttpError(409, 'reanalysis-running', 'Another procedure is being analysed again.', { remedy: 'Wait until it is done.' });
    }
    this.#set(id, { ...NONE, state: 'running' });
    void this.#run(procedure);
    return this.of(id);
  }

  async #run(procedure: Procedure): Promise<void> {
    const { id } = procedure;
    try {
      const done = await reanalyse({
        ...this.#tools,
        procedure,
        onProgress: (frames, totalFrames) => {
          this.#set(id, { ...NONE, state: 'running', frames, totalFrames });
        },
      });
      const { model, gallery, sameModel, trackerIdentical, identicalFrames, comparedFrames, missingFrames, identicalSightings, agreement } =
        done;
      const result: ReanalysisResult = {
        ...{ model, gallery, sameModel, trackerIdentical, identicalFrames, comparedFrames, missingFrames, identicalSightings, agreement },
        lanes: [...done.lanes],
        sightings: done.sightings.map(({ landmark, startPtsUs, endPtsUs, confidence, best }) => ({
          ...{ landmark, startPtsUs, endPtsUs, confidence, bestPtsUs: best.ptsUs, openedPtsUs: startPtsUs },
        })),
      };
      this.#set(id, { ...NONE, state: 'done', frames: comparedFrames, totalFrames: comparedFrames, result });
    } catch (error) {
      const remedy = error instanceof LumenmarkError && error.remedy !== undefined ? ` ${error.remedy}` : '';
      this.#set(id, { ...NONE, state: 'failed', message: `${messageOf(error)}${remedy}` });
    }
  }

  #set(id: string, job: ProcedureReanalysis): void {
    this.#jobs.delete(id);
    this.#jobs.set(id, job);
    for (const [oldest, { state }] of this.#jobs) {
      if (this.#jobs.size <= REMEMBERED) break;
      if (state !== 'running') this.#jobs.delete(oldest);
    }
  }
}
