import { appendFile, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { diskFull } from '../models/files.js';
import type { Validation } from './validation.js';

/** One optimizer step. */
export interface StepRecord {
  readonly type: 'step';
  /** From 0. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
  /** Null with a loss that mines no triplets. */
  readonly minedTriplets: number | null;
  /** Over all gradients, before clipping. */
  readonly gradientNorm: number;
  readonly learningRate: number;
  readonly headLearningRate: number;
  readonly elapsedMs: number;
}

/** The end of an epoch; epoch −1 is the state before the first step. */
export interface EpochRecord {
  readonly type: 'epoch';
  readonly epoch: number;
  /** Steps of the run that are done. */
  readonly steps: number;
  /** Mean over the steps of the epoch; null before the first. */
  readonly loss: number | null;
  readonly validation: Validation | null;
  /** Whether it is the best so far. */
  readonly best: boolean;
}

export type RunRecord = StepRecord | EpochRecord;

/** `run.ndjson`: what a run did, one line per step and per epoch, in order. */
export class RunLog {
  readonly #path: string;
  readonly #records: RunRecord[];

  private constructor(path: string, records: RunRecord[]) {
    this.#path = path;
    this.#records = records;
  }

  /** An empty log in the place of any that is there. */
  static async create(path: string): Promise<RunLog> {
    await writeFile(path, '');
    return new RunLog(path, []);
  }

  /** Goes on from a checkpoint: what was written after it is taken back. */
  static async resume(path: string, position: { readonly epoch: number; readonly totalSteps: number }): Promise<RunLog> {
    const lines = (await readFile(path, 'utf8').catch(() => '')).split('\n');
    const records = lines.flatMap((line): RunRecord[] => {
      try {
        return [JSON.parse(line) as RunRecord];
      } catch {
        // A line cut short by a crash is one that was written after the checkpoint.
        return [];
      }
    });
    const kept = records.filter((record) =>
      record.type === 'step' ? record.step < position.totalSteps : record.steps <= position.totalSteps && record.epoch < position.epoch,
    );
    await writeFile(path, kept.map((record) => `${JSON.stringify(record)}\n`).join(''));
    return new RunLog(path, kept);
  }

  get records(): readonly RunRecord[] {
    return this.#records;
  }

  /** @throws ModelError `disk-full` */
  async write(record: RunRecord): Promise<void> {
    this.#records.push(record);
    await appendFile(this.#path, `${JSON.stringify(record)}\n`).catch((error: unknown) => {
      throw diskFull(error, dirname(this.#path)) ?? error;
    });
  }
}
