import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { messageOf, ModelError } from '../../common/errors.js';
import type { LoraScale } from './lora.js';

/** The parts of PEFT's `adapter_config.json` that change what is computed. */
const configSchema = z.looseObject({
  peft_type: z.literal('LORA'),
  r: z.number().int().positive(),
  lora_alpha: z.number().positive(),
  use_rslora: z.boolean().nullish(),
  use_dora: z.literal(false).nullish(),
  fan_in_fan_out: z.literal(false).nullish(),
  bias: z.literal('none').nullish(),
  lora_bias: z.literal(false).nullish(),
  alpha_pattern: z.record(z.string(), z.number()).nullish(),
  rank_pattern: z.record(z.string(), z.number()).nullish(),
  modules_to_save: z.array(z.never()).max(0).nullish(),
});

export type PeftConfig = z.infer<typeof configSchema>;

/** @throws ModelError `adapter-config` */
export async function readPeftConfig(path: string): Promise<PeftConfig> {
  try {
    return configSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const why =
      error instanceof z.ZodError ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ') : messageOf(error);
    throw new ModelError('adapter-config', `${path} is not a LoRA configuration that can be merged: ${why}.`, {
      cause: error,
      remedy: 'Plain LoRA without DoRA, trained biases or further saved modules can be merged.',
    });
  }
}

/** alpha / r, or alpha / √r with rank-stabilised LoRA; patterns name modules by their end, as in PEFT. */
export function scaleOfConfig(config: PeftConfig): LoraScale {
  return (module, rank) => {
    const pattern = Object.entries(config.alpha_pattern ?? {}).find(([key]) => module === key || module.endsWith(`.${key}`));
    const alpha = pattern?.[1] ?? config.lora_alpha;
    return alpha / (config.use_rslora === true ? Math.sqrt(rank) : rank);
  };
}

/** The published code's alpha, used where a file of weights says nothing about it. */
export const PUBLISHED_ALPHA = 16;
