import type { PictureSet } from '../../evaluation/picture-set.js';
import type { RowGroups } from '../../evaluation/row-groups.js';
import type { Split } from '../../evaluation/split.js';
import type { Subject } from '../../evaluation/subject.js';
import type { FittableModel, Model } from '../../models/model.js';

/** What is to be evaluated, made ready. */
export interface EvaluationCase {
  readonly title: string;
  readonly model: Model | FittableModel | null;
  readonly subjects: readonly Subject[];
  readonly labels: readonly string[];
  readonly split: Split & { readonly leftOut?: number };
  readonly ungrouped: Split | null;
  readonly grouping: RowGroups;
  readonly set: PictureSet | null;
  /** A JPEG of the field of view of a row; null when there is none. */
  readonly thumbnail: (row: number) => Promise<Uint8Array | null>;
}

export interface CaseOptions {
  readonly signal: AbortSignal;
  readonly onProgress: (stage: string, done: number, total: number) => void;
}
