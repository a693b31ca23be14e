import { z } from 'zod';
import { UsageError } from '../common/errors.js';
import { ORDERS } from './sampler.js';
import { SCHEDULES } from './schedule.js';

const positive = z.number().positive();
const whole = z.number().int().positive();

const lossSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('triplet'), margin: positive, miner: z.enum(['semihard', 'hard', 'all']), minerMargin: positive }),
  z.object({ kind: z.literal('multi-similarity'), alpha: positive, beta: positive, base: z.number(), epsilon: positive.nullable() }),
  z.object({ kind: z.literal('supervised-contrastive'), temperature: positive }),
  z.object({ kind: z.literal('normalised-softmax'), temperature: positive, smoothing: z.number().min(0).lt(1) }),
]);

/** What a run does besides its model and its data; the defaults are those of the published method. */
const settingsSchema = z.object({
  epochs: whole.default(30),
  /** Ends the run after so many steps, whatever the epochs say. */
  steps: whole.nullable().default(null),
  batchSize: z.number().int().min(2).default(32),
  /** Pictures of one class in a batch, at least. */
  perClass: z.number().int().min(2).default(4),
  order: z.enum(ORDERS).default('shuffled'),
  augment: z.enum(['endoscopy', 'strong', 'none']).default('endoscopy'),
  dropout: z.number().min(0).max(0.9).default(0.05),
  loss: lossSchema.default({ kind: 'triplet', margin: 0.6, miner: 'semihard', minerMargin: 0.3 }),
  lr: positive.default(1e-4),
  headLr: positive.default(1e-4),
  weightDecay: z.number().nonnegative().default(1e-4),
  clip: positive.default(2),
  schedule: z.enum(SCHEDULES).default('cosine'),
  warmupEpochs: z.number().nonnegative().default(0),
  seed: z.number().int().nonnegative().default(43),
  /** Keeps the activations below the first trained block. */
  cache: z.boolean().default(false),
  /** Most training pictures that validation searches while the run goes on; all of them in the end. */
  valGallery: whole.default(1000),
});

export type TrainingSettings = z.output<typeof settingsSchema>;

/** A field that is undefined takes its default. */
type Undefinable<Fields> = { readonly [Name in keyof Fields]?: Fields[Name] | undefined };

/** @throws UsageError `training-options` with the name of the field. */
export function trainingSettings(given: Undefinable<z.input<typeof settingsSchema>>): TrainingSettings {
  const parsed = settingsSchema.safeParse(given);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw new UsageError('training-options', `${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  const settings = parsed.data;
  if (settings.cache && settings.augment !== 'none') {
    throw new UsageError('training-options', 'cache: activations can be kept only while the pictures stay the same.', {
      remedy: 'Add --augment none, or leave --cache out.',
    });
  }
  return settings;
}
