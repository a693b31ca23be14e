import { ModelError } from '../../../common/errors.js';
import { damagedCheckpoint } from '../tensor.js';

/** What is thrown at a pickle that is not read to its end. */
export interface Refusals {
  /** `checkpoint-damaged` */
  damaged(what: string): ModelError;
  /** `checkpoint-unsafe` */
  unsafe(what: string): ModelError;
}

export function refusalsOf(path: string): Refusals {
  return {
    damaged: (what) => damagedCheckpoint(path, what),
    unsafe: (what) =>
      new ModelError('checkpoint-unsafe', `${path} asks for ${what}. Only tensors and plain containers are read.`, {
        remedy:
          "If you trust the file, keep its weights alone: in Python, c = torch.load(FILE, weights_only=False); torch.save(c['teacher'] if 'teacher' in c else c.get('state_dict', c.get('model')), OUT).",
      }),
  };
}
