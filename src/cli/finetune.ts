import { readFile, writeFile, mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { lumenmarkHome } from '../common/home.js';
import { messageOf, UsageError } from '../common/errors.js';
import { duration, progressBar } from '../common/progress.js';
import { DEVICES, type Device } from '../inference/device.js';
import { runModel } from '../inference/run-model.js';
import { importModel } from '../models/import.js';
import { POSITION_RECIPES, type PositionRecipe } from '../models/positions.js';
import { intervalText, percentText } from '../report/format.js';
import { checkFieldOfViewMode } from '../retrieval/still-pixels.js';
import { isBackboneSpec } from '../training/backbone-spec.js';
import { parseBackbone } from '../training/backbones.js';
import type { PictureOrigin } from '../training/data.js';
import { finetune, type FinetuneOptions, type FinetuneProgress, type FinetuneReport } from '../training/finetune.js';
import { groupsFromTable, type GroupOf } from '../training/groups.js';
import { LORA_TARGETS, type BackboneTraining, type LoraTarget } from '../training/model.js';
import { ORDERS } from '../training/sampler.js';
import { SCHEDULES } from '../training/schedule.js';
import { trainingSettings } from '../training/settings.js';
import type { LossOptions } from '../training/step.js';
import { abortable } from './interrupt.js';
import { tableLines } from './table.js';

const number = z.coerce.number();
const whole = number.int().positive();
const list = z.string().transform((text) => text.split(',').map((entry) => entry.trim()));

const flagsSchema = z.object({
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
  epochs: whole.optional(),
  steps: whole.optional(),
  batchSize: whole.optional(),
  perClass: whole.optional(),
  order: z.enum(ORDERS).optional(),
  augment: z.enum(['endoscopy', 'none']).optional(),
  dropout: number.optional(),
  lr: number.optional(),
  headLr: number.optional(),
  weightDecay: number.optional(),
  clip: number.optional(),
  schedule: z.enum(SCHEDULES).optional(),
  warmup: number.optional(),
  loss: z.enum(['triplet', 'multi-similarity', 'supervised-contrastive']).default('triplet'),
  margin: number.default(0.6),
  miner: z.enum(['semihard', 'hard', 'all']).default('semihard'),
  minerMargin: number.default(0.3),
  temperature: number.default(0.1),
  fusionDim: whole.default(512),
  loraRank: whole.default(8),
  loraAlpha: number.positive().default(16),
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
type Flags = z.output<typeof flagsSchema>;

/** The flags of a run, in its folder, with which `--resume` goes on. */
const FLAGS_FILE = 'flags.json';

/** `lumenmark finetune`: parameter-efficient metric learning. */
export function register(program: Command): void {
  const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];
  program
    .command('finetune')
    .description('train a model on labelled pictures: LoRA and fusion head, or everything')
    .option('-m, --model <name>', 'imported model whose backbones are trained')
    .option(
      '--backbone <[name=]file>',
      'or a checkpoint, or vit:dim=128,depth=4,patch=16 for random weights; repeat for a dual model',
      collect,
    )
    .option('--train <dir>', 'training pictures, a folder per label')
    .option('--val <dir>', 'pictures held back, a folder per label')
    .option('--val-fraction <share>', 'or the share of the training pictures that is held back (default: 0.2; 0 for none)')
    .option('--group-pattern <regex>', 'pictures whose path gives the same first group never stand on both sides, e.g. a patient number')
    .option('--groups <file>', 'the same from a CSV table with a column path, and the one of --group-column')
    .option('--group-column <name>', 'column of --groups that names the patient, examination or source')
    .option('--pixels <file>', 'raw pixels uint8 [count, height, width, 3] RGB instead of a folder')
    .option('--width <px>', 'width of the raw pixels')
    .option('--height <px>', 'height of the raw pixels')
    .option('--labels <file>', 'JSON list of the labels of the raw pixels')
    .option('--min-pictures <n>', 'leave out labels with fewer pictures')
    .option('--classes <list>', 'only these labels, with commas between')
    .option('--keep-labels', 'keep folder names as labels')
    .option('--field-of-view <how>', 'auto, none or WxH+X+Y (default: auto)')
    .option('-o, --out <dir>', 'folder of the adapter, and of the run')
    .option('--resume <dir>', 'go on with the run in this folder; its flags are remembered')
    .option('--init <path>', 'adapter to start from')
    .option('--import <name>', 'make a model of the result')
    .addOption(
      new Option('--tune <what>', 'LoRA and head, the head alone, or all weights (default: lora)').choices(['lora', 'head', 'all']),
    )
    .option('--input-size <px>', 'side of the input; default: what the backbones were made for')
    .addOption(
      new Option('--positions <recipe>', 'recipe to resize position embeddings; default: the official one').choices(POSITION_RECIPES),
    )
    .optionsGroup('Hyper-parameters:')
    .option('--epochs <n>', 'passes over the training pictures (default: 30)')
    .option('--steps <n>', 'end after so many steps')
    .option('--batch-size <n>', 'pictures of a batch (default: 32)')
    .option('--per-class <n>', 'pictures of each class in a batch, at least (default: 4)')
    .addOption(
      new Option('--order <order>', 'batches of several pictures per class, or the pictures as they stand (default: shuffled)').choices(
        ORDERS,
      ),
    )
    .addOption(
      new Option('--augment <how>', 'turned, flipped, recoloured, blurred, or not (default: endoscopy)').choices(['endoscopy', 'none']),
    )
    .option('--dropout <share>', 'dropout before LoRA (default: 0.05)')
    .option('--lr <rate>', 'learning rate of the backbones (default: 1e-4)')
    .option('--head-lr <rate>', 'learning rate of the fusion head (default: 1e-4)')
    .option('--weight-decay <rate>', 'decoupled weight decay (default: 1e-4)')
    .option('--clip <norm>', 'largest gradient norm (default: 2)')
    .addOption(new Option('--schedule <schedule>', 'of the learning rates (default: cosine)').choices(SCHEDULES))
    .option('--warmup <epochs>', 'epochs in which the learning rates rise (default: 0)')
    .addOption(new Option('--loss <loss>', 'default: triplet').choices(['triplet', 'multi-similarity', 'supervised-contrastive']))
    .option('--margin <m>', 'margin of the triplet loss, on cosines (default: 0.6)')
    .addOption(new Option('--miner <which>', 'triplets that count (default: semihard)').choices(['semihard', 'hard', 'all']))
    .option('--miner-margin <m>', 'margin of the miner (default: 0.3)')
    .option('--temperature <t>', 'of the supervised contrastive loss (default: 0.1)')
    .option('--fusion-dim <n>', 'length of the embedding (default: 512)')
    .option('--lora-rank <r>', 'rank of LoRA (default: 8)')
    .option('--lora-alpha <a>', 'alpha of LoRA (default: 16)')
    .option('--lora-targets <list>', `layers that get LoRA, of ${LORA_TARGETS.join(', ')} (default: qkv,proj,fc1,fc2)`)
    .option('--last-blocks <k>', 'LoRA in the last K blocks only')
    .option('--seed <n>', 'of everything that is drawn (default: 43)')
    .optionsGroup('Running:')
    .option('--micro-batch <n>', 'pictures that go through the backbones at once (default: as many as fit)')
    .option('--recompute', 'less memory for more time: compute the inside of blocks again on the way back')
    .option('--cache', 'keep the activations below the first trained block (with --augment none)')
    .option('--val-gallery <n>', 'most training pictures that validation searches during the run (default: 1000)')
    .addOption(new Option('--device <device>', 'where to run (default: auto)').choices(DEVICES))
    .option('--threads <n>', 'threads of one operator on the CPU')
    .option('--json', 'print the result as JSON')
    .action(async (raw: Record<string, unknown>) => {
      await run(raw);
    });
}

async function run({ resume, ...given }: Record<string, unknown>): Promise<void> {
  const isResumed = typeof resume === 'string';
  const remembered = isResumed ? { ...(await readFlags(resume)), out: resume } : {};
  if (isResumed) refuseOthers(given);
  const raw: Record<string, unknown> = { ...remembered, ...given };
  const flags = parse(raw);
  if (flags.out === undefined)
    throw new UsageError('option', '--out: name the folder of the adapter.', { remedy: 'Or go on with a run: --resume DIR.' });
  const { out } = flags;
  const options = await optionsOf(flags, out, isResumed);
  if (!isResumed) await writeFlags(out, raw);
  const bar = progressBar();
  const began = performance.now();
  try {
    const report = await abortable((signal) =>
      finetune({
        ...options,
        signal,
        onReport: (line) => {
          bar.end();
          console.error(line);
        },
        onProgress: (progress) => {
          bar.update({ ...progress, label: LABELS[progress.stage] });
        },
      }),
    );
    bar.end();
    if (!report.finished) {
      process.exitCode = 1;
      console.error(`Interrupted after step ${report.steps}; everything is saved. Go on with: lumenmark finetune --resume ${out}`);
      return;
    }
    const imported = flags.import === undefined ? null : await importResult(flags.import, flags, report);
    if (flags.json) console.log(JSON.stringify({ ...report, imported }));
    else
      console.log(
        [...textOf(report, out, performance.now() - began), ...(imported === null ? [] : [`Imported as ${imported}.`])].join('\n'),
      );
  } finally {
    bar.end();
  }
}

const LABELS: Readonly<Record<FinetuneProgress['stage'], string>> = {
  pictures: 'pictures',
  cache: 'caching',
  training: 'training',
  // One bar for the whole run, so that its end is foreseen from all of it.
  validating: 'training',
};

/** What may change when a run goes on: nothing that decides its result. */
const RESUMABLE: readonly string[] = ['device', 'threads', 'json', 'import'];

function refuseOthers(given: Record<string, unknown>): void {
  const other = Object.keys(given).find((name) => !RESUMABLE.includes(name));
  if (other === undefined) return;
  throw new UsageError(
    'option',
    `--${other.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}: a run goes on with the flags that it began with.`,
    {
      remedy: 'Give --resume alone, or start another run.',
    },
  );
}

function parse(raw: Record<string, unknown>): Flags {
  const parsed = flagsSchema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const name = String(issue?.path[0] ?? '').replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
  throw new UsageError('option', `--${name}: ${issue?.message ?? ''}`);
}

async function optionsOf(flags: Flags, out: string, resume: boolean): Promise<FinetuneOptions> {
  checkFieldOfViewMode(flags.fieldOfView);
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
    command: `lumenmark ${process.argv.slice(2).join(' ')}`,
  };
}

function originOf({ train, val, pixels, labels, width, height }: Flags): PictureOrigin {
  if ((train === undefined) === (pixels === undefined)) {
    throw new UsageError('finetune-data', 'Name the training pictures: a folder with --train, or raw pixels with --pixels, and not both.');
  }
  if (train !== undefined) return { kind: 'folders', train, val: val ?? null };
  if (labels === undefined || width === undefined || width !== height) {
    throw new UsageError('finetune-data', '--pixels needs --width and --height, which are equal, and --labels.');
  }
  return { kind: 'raw', pixels: pixels ?? '', labels };
}

async function groupOf({ groupPattern, groups, groupColumn }: Flags): Promise<GroupOf | null> {
  if (groups !== undefined) {
    if (groupColumn === undefined) throw new UsageError('option', '--groups: name the column of the table with --group-column.');
    return groupsFromTable(groups, groupColumn);
  }
  if (groupPattern === undefined) return null;
  try {
    const pattern = new RegExp(groupPattern, 'u');
    if (!groupPattern.includes('(')) throw new Error('it has no group in parentheses');
    return (name) => pattern.exec(name)?.[1] ?? null;
  } catch (error) {
    throw new UsageError('option', `--group-pattern ${groupPattern}: ${messageOf(error)}`, {
      remedy: 'For files named patient-12-01.png write --group-pattern "patient-([0-9]+)".',
    });
  }
}

function trainingOf({ tune, loraRank, loraAlpha, loraTargets, lastBlocks }: Flags): BackboneTraining {
  if (tune === 'all') return { kind: 'all' };
  if (tune === 'head') return { kind: 'frozen' };
  return {
    kind: 'lora',
    rank: loraRank,
    alpha: loraAlpha,
    targets: loraTargets ?? ['qkv', 'proj', 'fc1', 'fc2'],
    lastBlocks: lastBlocks ?? null,
  };
}

function lossOf({ loss, margin, miner, minerMargin, temperature }: Flags): LossOptions {
  switch (loss) {
    case 'triplet':
      return { kind: loss, margin, miner, minerMargin };
    case 'multi-similarity':
      return { kind: loss, alpha: 2, beta: 50, base: 0.5, epsilon: 0.1 };
    case 'supervised-contrastive':
      return { kind: loss, temperature };
  }
}

const PATHS: readonly string[] = ['train', 'val', 'groups', 'pixels', 'labels', 'init'];

function inFull(backbone: string): string {
  const { name, what } = parseBackbone(backbone);
  return `${name === undefined ? '' : `${name}=`}${isBackboneSpec(what) ? what : resolve(what)}`;
}

/** Paths are kept in full, so that a run can be resumed from another folder. */
async function writeFlags(out: string, raw: Record<string, unknown>): Promise<void> {
  const kept = Object.entries(raw).map(([name, value]) => {
    if (PATHS.includes(name)) return [name, resolve(String(value))] as const;
    if (name !== 'backbone') return [name, value] as const;
    return [name, (value as string[]).map(inFull)] as const;
  });
  await mkdir(out, { recursive: true }).catch((error: unknown) => {
    throw new UsageError('option', `--out ${out}: ${messageOf(error)}`, { cause: error, remedy: 'Choose another folder.' });
  });
  await writeFile(join(out, FLAGS_FILE), `${JSON.stringify(Object.fromEntries(kept), null, 2)}\n`);
}

async function readFlags(folder: string): Promise<Record<string, unknown>> {
  try {
    return z.record(z.string(), z.unknown()).parse(JSON.parse(await readFile(join(folder, FLAGS_FILE), 'utf8')));
  } catch (error) {
    throw new UsageError('option', `--resume ${folder}: there is no run to go on with (${messageOf(error)}).`, {
      cause: error,
      remedy: 'Give the folder that was --out of a run.',
    });
  }
}

async function importResult(name: string, flags: Flags, { result, inputSize }: FinetuneReport): Promise<string> {
  if (result === null) throw new TypeError('There is no result');
  await importModel({
    name,
    home: lumenmarkHome(),
    backbones: result.backbones.map(({ name: backbone, path }) => ({ name: backbone, path })),
    adapter: result.folder,
    inputSize,
    ...(flags.positions === undefined ? {} : { positions: flags.positions }),
    replace: true,
    run: runModel,
  });
  return name;
}

function textOf(report: FinetuneReport, out: string, elapsedMs: number): string[] {
  const { before, after, data } = report;
  const rows =
    before === null || after === null
      ? []
      : (
          [
            ['Recall@1', 'recallAt1'],
            ['Recall@1, mean of classes', 'classMeanRecallAt1'],
          ] as const
        ).map(([title, measure]) => [
          title,
          percentText(before[measure]),
          intervalText(before.byGroup[measure]),
          percentText(after[measure]),
          intervalText(after.byGroup[measure]),
        ]);
  return [
    `${report.steps} steps in ${duration(elapsedMs)} on ${report.device}; ${report.parameters.toLocaleString('en')} trained numbers; ${data.train} training pictures, ${data.val} held back (${data.split})`,
    ...(rows.length === 0
      ? ['Nothing was held back, so that nothing was measured.']
      : tableLines(['held back', 'before', '95 %', 'after', '95 %'], rows)),
    `${out}: adapter, README.md (card), run.html, run.ndjson`,
    `Use it: ${report.importCommand ?? ''}`,
  ];
}
