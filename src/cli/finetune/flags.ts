import { z } from 'zod';
import { lumenmarkHome } from '../../common/home.js';
import { UsageError } from '../../common/errors.js';
import { DEVICES, type Device } from '../../inference/device.js';
import { POSITION_RECIPES, type PositionRecipe } from '../../models/positions.js';
import { checkFieldOfViewMode } from '../../retrieval/still-pixels.js';
import type { PictureOrigin } from '../../training/data.js';
import type { FinetuneOptions } from '../../training/finetune.js';
import { groupsFromTable, type GroupOf } from '../../training/groups.js';
import { LORA_TARGETS, type BackboneTraining, type LoraTarget } from '../../training/model.js';
import { ORDERS } from '../../training/sampler.js';
import { SCHEDULES } from '../../training/schedule.js';
import { trainingSettings } from '../../training/settings.js';
import type { LossOptions } from '../../training/step.js';
import { commandLine } from '../terminal/command-line.js';
import { groupPattern as patternOf } from '../flags/group-pattern.js';

const number = z.coerce.number();
const whole = number.int().positive();
const list = z.string().transform((text) => text.split(',').map((entry) => entry.trim()));

export const finetuneFlags = z.object({
  model: z.string().optional(),
  backbone: z.array(z.string()).default([]),
  train: z.string().optional(),
  val: z.string().optional(),
  valFraction: number.min(0).max(0.9).optional(),
  groupPattern: z.string().optional(),
  groups: z.string().optional(),
  groupColumn: z.string().optional(),
  pixels: z.string().optional(),
  width: whole.optional(),
  height: whole.optional(),
  labels: z.string().optional(),
  minPictures: whole.optional(),
  classes: list.optional(),
  keepLabels: z.boolean().default(false),
  fieldOfView: z.string().default('auto'),
  out: z.string().optional(),
  init: z.string().optional(),
  import: z.string().optional(),
  tune: z.enum(['lora', 'head', 'all']).default('lora'),
  inputSize: whole.optional(),
  positions: z.enum(POSITION_RECIPES as unknown as [PositionRecipe, ...PositionRecipe[]]).optional(),
  licence: z.string().optional(),
  epochs: whole.optional(),
  steps: whole.optional(),
  batchSize: whole.optional(),
  perClass: whole.optional(),
  order: z.enum(ORDERS).optional(),
  augment: z.enum(['endoscopy', 'strong', 'none']).optional(),
  dropout: number.optional(),
  lr: number.optional(),
  headLr: number.optional(),
  weightDecay: number.optional(),
  clip: number.optional(),
  schedule: z.enum(SCHEDULES).optional(),
  warmup: number.optional(),
  loss: z.enum(['triplet', 'multi-similarity', 'supervised-contrastive', 'normalised-softmax']).default('triplet'),
  margin: number.default(0.6),
  miner: z.enum(['semihard', 'hard', 'all']).default('semihard'),
  minerMargin: number.default(0.3),
  temperature: number.optional(),
  fusionDim: whole.default(512),
  loraRank: whole.optional(),
  loraAlpha: number.positive().optional(),
  loraTargets: list.pipe(z.array(z.enum(LORA_TARGETS as unknown as [LoraTarget, ...LoraTarget[]])).min(1)).optional(),
  lastBlocks: whole.optional(),
  seed: number.int().nonnegative().optional(),
  microBatch: whole.optional(),
  recompute: z.boolean().default(false),
  cache: z.boolean().default(false),
  valGallery: whole.optional(),
  device: z.enum(DEVICES as unknown as [Device, ...Device[]]).default('auto'),
  threads: whole.optional(),
  json: z.boolean().default(false),
});
export type FinetuneFlags = z.output<typeof finetuneFlags>;

/** What the flags ask for. @throws UsageError when they contradict each other. */
export async function optionsOf(flags: FinetuneFlags, out: string, resume: boolean): Promise<FinetuneOptions> {
  checkFieldOfViewMode(flags.fieldOfView);
  refuseIdle(flags);
  const origin = originOf(flags);
  const { classes } = flags;
  const size = flags.pixels === undefined ? flags.inputSize : flags.width;
  return {
    backbones: {
      home: lumenmarkHome(),
      backbones: flags.backbone,
      ...(flags.model === undefined ? {} : { model: flags.model }),
      ...(size === undefined ? {} : { inputSize: size }),
      ...(flags.positions === undefined ? {} : { positions: flags.positions }),
      ...(flags.licence === undefined ? {} : { licence: flags.licence }),
    },
    training: trainingOf(flags),
    fusionDim: flags.fusionDim,
    data: {
      origin,
      // What is given as raw pixels is for comparison, unless a share is asked for.
      valFraction: flags.valFraction ?? (origin.kind === 'raw' ? 0 : 0.2),
      groupOf: await groupOf(flags),
      fieldOfView: flags.fieldOfView,
      keepLabels: flags.keepLabels,
      ...(flags.minPictures === undefined ? {} : { minPictures: flags.minPictures }),
      ...(classes === undefined ? {} : { keep: ({ label }) => classes.includes(label) }),
    },
    settings: trainingSettings({
      epochs: flags.epochs ?? (flags.steps === undefined ? undefined : Number.MAX_SAFE_INTEGER),
      steps: flags.steps,
      batchSize: flags.batchSize,
      perClass: flags.perClass,
      order: flags.order,
      augment: flags.augment,
      dropout: flags.dropout,
      loss: lossOf(flags),
      lr: flags.lr,
      headLr: flags.headLr,
      weightDecay: flags.weightDecay,
      clip: flags.clip,
      schedule: flags.schedule,
      warmupEpochs: flags.warmup,
      seed: flags.seed,
      cache: flags.cache,
      valGallery: flags.valGallery,
    }),
    ...(flags.init === undefined ? {} : { init: flags.init }),
    device: flags.device,
    ...(flags.threads === undefined ? {} : { threads: flags.threads }),
    microBatch: flags.microBatch ?? 'auto',
    recompute: flags.recompute,
    out,
    resume,
    command: commandLine(),
  };
}

function originOf({ train, val, pixels, labels, width, height }: FinetuneFlags): PictureOrigin {
  if ((train === undefined) === (pixels === undefined)) {
    throw new UsageError('finetune-data', 'Name the training pictures: a folder with --train, or raw pixels with --pixels, and not both.');
  }
  if (train !== undefined) return { kind: 'folders', train, val: val ?? null };
  if (labels === undefined || width === undefined || width !== height) {
    throw new UsageError('finetune-data', '--pixels needs --width and --height, which are equal, and --labels.');
  }
  return { kind: 'raw', pixels: pixels ?? '', labels };
}

async function groupOf({ groupPattern, groups, groupColumn }: FinetuneFlags): Promise<GroupOf | null> {
  if (groups !== undefined) {
    if (groupColumn === undefined) throw new UsageError('option', '--groups: name the column of the table with --group-column.');
    return groupsFromTable(groups, groupColumn);
  }
  if (groupPattern === undefined) return null;
  const pattern = patternOf(groupPattern);
  return (name) => pattern.exec(name)?.[1] ?? null;
}

/** Flags that mean nothing when something else is trained. */
const OF_LORA = ['loraRank', 'loraAlpha', 'loraTargets', 'lastBlocks', 'dropout'] as const;
const OF_BACKBONES = ['lr', 'recompute'] as const;

/** @throws UsageError `option` */
function refuseIdle(flags: FinetuneFlags): void {
  const idle = (names: readonly (keyof FinetuneFlags)[]): keyof FinetuneFlags | undefined =>
    names.find((name) => flags[name] !== undefined && flags[name] !== false);
  const found = (flags.tune === 'lora' ? undefined : idle(OF_LORA)) ?? (flags.tune === 'head' ? idle(OF_BACKBONES) : undefined);
  if (found === undefined) return;
  const flag = `--${found.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  throw new UsageError(
    'option',
    `${flag} has no effect with --tune ${flags.tune}: ${
      flags.tune === 'head' ? 'nothing but the fusion head is trained' : 'there is no LoRA'
    }.`,
    { remedy: flag === '--lr' ? 'The rate of the head is --head-lr.' : 'Leave it out.' },
  );
}

function trainingOf({ tune, loraRank, loraAlpha, loraTargets, lastBlocks }: FinetuneFlags): BackboneTraining {
  if (tune === 'all') return { kind: 'all' };
  if (tune === 'head') return { kind: 'frozen' };
  return {
    kind: 'lora',
    rank: loraRank ?? 8,
    alpha: loraAlpha ?? 16,
    targets: loraTargets ?? ['qkv', 'proj', 'fc1', 'fc2'],
    lastBlocks: lastBlocks ?? null,
  };
}

function lossOf({ loss, margin, miner, minerMargin, temperature }: FinetuneFlags): LossOptions {
  switch (loss) {
    case 'triplet':
      return { kind: loss, margin, miner, minerMargin };
    case 'multi-similarity':
      return { kind: loss, alpha: 2, beta: 50, base: 0.5, epsilon: 0.1 };
    case 'supervised-contrastive':
      return { kind: loss, temperature: temperature ?? 0.1 };
    case 'normalised-softmax':
      return { kind: loss, temperature: temperature ?? 0.05, smoothing: 0.05 };
  }
}
