import type { CalibrationPictures, RunModel } from '../calibration.js';
import type { Precision } from '../graph/precision.js';
import type { PositionRecipe } from '../positions.js';
import type { SourceRequest } from '../sources.js';

export interface ImportOptions {
  readonly name: string;
  /** Folder of all data, `LUMENMARK_HOME`. */
  readonly home: string;
  /** In the order in which their features are joined. */
  readonly backbones: readonly SourceRequest[];
  /** Adapter folder or file. */
  readonly adapter?: string;
  /** Default `fp32`. */
  readonly precision?: Precision;
  /** Device that the model is meant for, and on which it is compared with the CPU; default `cpu`. */
  readonly device?: string;
  /** Side of the input, px; default: what the backbones were made for. */
  readonly inputSize?: number;
  /** Instead of the recipe of the code that published each backbone. */
  readonly positions?: PositionRecipe;
  /** LoRA's alpha where a file does not tell it. */
  readonly loraAlpha?: number;
  /** Licence of the weights, where it is not known. */
  readonly licence?: string;
  /** What whoever takes the model must know; shown wherever it is chosen. */
  readonly notice?: string;
  /** Keeps a variant that stands farther from fp32 on the CPU than the bound allows. */
  readonly force?: boolean;
  /** Puts the model in the place of one of the same name. */
  readonly replace?: boolean;
  /** Pictures to compare variants on, of the model's size; default: synthetic ones. */
  readonly calibration?: (size: number) => Promise<CalibrationPictures>;
  readonly run: RunModel;
  /** One line for people on each thing that was chosen, left aside or found. */
  readonly onReport?: (line: string) => void;
  readonly onStage?: (stage: string) => void;
  readonly signal?: AbortSignal;
}
