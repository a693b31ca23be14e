import { Option, type Command } from 'commander';
import { lumenmarkHome } from '../common/home.js';
import { UsageError } from '../common/errors.js';
import { duration, progressBar } from '../common/progress.js';
import { DEVICES } from '../inference/device.js';
import { runModel } from '../inference/run-model.js';
import { importModel } from '../models/import/import-model.js';
import { POSITION_RECIPES } from '../models/positions.js';
import { intervalText, percentText } from '../report/format.js';
import { finetune, type FinetuneProgress, type FinetuneReport } from '../training/finetune.js';
import { LORA_TARGETS } from '../training/model.js';
import { ORDERS } from '../training/sampler.js';
import { SCHEDULES } from '../training/schedule.js';
import { checkedFlags } from './flags/checked.js';
import { finetuneFlags, optionsOf, type FinetuneFlags } from './finetune/flags.js';
import { readFlags, refuseOthers, writeFlags } from './finetune/resume.js';
import { repeated } from './flags/values.js';
import { abortable } from './terminal/interrupt.js';
import { tableLines } from './terminal/table.js';

/** `lumenmark finetune`: parameter-efficient metric learning. */
export function register(program: Command): void {
  program
    .command('finetune')
    .description('train a model on labelled pictures: LoRA and fusion head, or everything')
    .option('-m, --model <name>', 'imported model whose backbones are trained, or are taken as they are')
    .option(
      '--backbone <[name=]file>',
      'or a checkpoint or ONNX graph, or vit:dim=128,depth=4,patch=16 or resnet:widths=24-48-96-160 for random weights; repeat for a dual model',
      repeated,
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
      new Option('--tune <what>', 'LoRA and head, the head alone on backbones of any kind, or all weights (default: lora)').choices([
        'lora',
        'head',
        'all',
      ]),
    )
    .option('--input-size <px>', 'side of the input; default: what the backbones were made for')
    .addOption(
      new Option('--positions <recipe>', 'recipe to resize position embeddings; default: the official one').choices(POSITION_RECIPES),
    )
    .option('--licence <text>', 'licence of the backbones, for the card, where it is not known')
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
      new Option(
        '--augment <how>',
        'turned, flipped, recoloured, blurred; also disturbed and with the outlines of other endoscopes (strong); or not (default: endoscopy)',
      ).choices(['endoscopy', 'strong', 'none']),
    )
    .option('--dropout <share>', 'dropout before LoRA (default: 0.05)')
    .option('--lr <rate>', 'learning rate of the backbones (default: 1e-4)')
    .option('--head-lr <rate>', 'learning rate of the fusion head (default: 1e-4)')
    .option('--weight-decay <rate>', 'decoupled weight decay (default: 1e-4)')
    .option('--clip <norm>', 'largest gradient norm (default: 2)')
    .addOption(new Option('--schedule <schedule>', 'of the learning rates (default: cosine)').choices(SCHEDULES))
    .option('--warmup <epochs>', 'epochs in which the learning rates rise (default: 0)')
    .addOption(
      new Option('--loss <loss>', 'default: triplet').choices([
        'triplet',
        'multi-similarity',
        'supervised-contrastive',
        'normalised-softmax',
      ]),
    )
    .option('--margin <m>', 'margin of the triplet loss, on cosines (default: 0.6)')
    .addOption(new Option('--miner <which>', 'triplets that count (default: semihard)').choices(['semihard', 'hard', 'all']))
    .option('--miner-margin <m>', 'margin of the miner (default: 0.3)')
    .option('--temperature <t>', 'of the supervised contrastive loss (default: 0.1) and of the normalised softmax (default: 0.05)')
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
  const flags = checkedFlags(finetuneFlags, raw);
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

async function importResult(name: string, flags: FinetuneFlags, { result, inputSize }: FinetuneReport): Promise<string> {
  if (result === null) throw new TypeError('There is no result');
  await importModel({
    name,
    home: lumenmarkHome(),
    backbones: result.backbones.map(({ name: backbone, path }) => ({ name: backbone, path })),
    adapter: result.folder,
    inputSize,
    ...(flags.positions === undefined ? {} : { positions: flags.positions }),
    ...(flags.licence === undefined ? {} : { licence: flags.licence }),
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
