import { version } from '../common/version.js';
import { officialRecipe } from '../models/backbones/spec.js';
import { intervalText, percentText } from '../report/format.js';
import type { FinetuneOptions, Finals, RunFacts } from './finetune.js';
import type { BackboneTraining } from './model.js';
import type { WrittenResult } from './result.js';
import type { LossOptions } from './step.js';
import type { Validation } from './validation.js';

export interface CardFacts extends Finals {
  readonly steps: number;
  readonly parameters: number;
  readonly result: WrittenResult;
}

/** The card of an adapter, Markdown: what it was trained from, on what, how, what it reached, and what may be done with it. */
export function cardText(facts: RunFacts, card: CardFacts): string {
  const { options, model, opened, data } = facts;
  const restricted = opened.filter(({ licence }) => isRestricted(licence));
  return `${[
    '# Adapter of a landmark model',
    `Written by lumenmark ${version} after ${card.steps} steps on ${facts.device}. Research use only; no clinical claim.`,
    ...(restricted.length === 0
      ? []
      : [
          `**Licence.** ${restricted.map(({ name }) => name).join(' and ')} ${restricted.length === 1 ? 'is' : 'are'} restricted: ${restricted[0]?.licence ?? ''}. ` +
            'What was trained on top is derived from it: do not publish or pass on this adapter.',
        ]),
    '## Model',
    table(
      ['backbone', 'architecture', 'from', 'SHA-256 of its weights', 'licence'],
      opened.map(({ name, architecture, origin, sha256, licence }, place) => [
        name,
        model.backbones[place]?.training.kind === 'frozen' ? `${architecture}, taken as it is` : architecture,
        `\`${origin}\``,
        `\`${sha256.slice(0, 16)}…\``,
        licence,
      ]),
    ),
    `Input ${model.inputSize} × ${model.inputSize} px; embedding ${options.fusionDim} numbers. ${trainingText(options.training)}: ${card.parameters.toLocaleString('en')} trained numbers.`,
    '## Data',
    `${data.summary.train} training pictures in ${data.summary.groups.train} groups, ${data.summary.val} held back in ${data.summary.groups.val} groups (${data.summary.split}). ` +
      `${data.summary.unreadable.length} unreadable pictures and ${data.summary.copies} copies left out.`,
    table(
      ['class', 'training', 'held back', 'Recall@1 before', 'after'],
      Object.entries(data.summary.classes).map(([label, counts]) => [
        label,
        String(counts.train),
        String(counts.val),
        classRecall(card.before, label),
        classRecall(card.after, label),
      ]),
    ),
    '## What it reached',
    ...(card.after === null || card.before === null
      ? ['Nothing was held back, so nothing was measured.']
      : [
          `The held back pictures (n = ${card.after.n}) were searched in the ${card.after.gallery} training pictures.` +
            (card.bestEpoch === null
              ? ''
              : ` The state after epoch ${card.bestEpoch + 1} was taken, the best by their Recall@1: they chose it, so that the figures are a little too good.`),
          table(
            ['measure', 'before training', '95 % (groups drawn)', 'after', '95 % (groups drawn)'],
            [
              measureRow('Recall@1', card.before, card.after, 'recallAt1'),
              measureRow('Recall@1, mean of classes', card.before, card.after, 'classMeanRecallAt1'),
            ],
          ),
          `Recall@1 after training with every query counted as independent (Wilson): ${intervalText(card.after.wilson)}.`,
        ]),
    '## How it was trained',
    table(['setting', 'value'], settingRows(facts)),
    ...(options.command === undefined ? [] : ['```sh', options.command, '```']),
    '## Use',
    ['```sh', importCommand(facts, card.result), '```'].join('\n'),
  ].join('\n\n')}\n`;
}

/** The command that makes a model of the result. */
export function importCommand({ model }: Pick<RunFacts, 'model'>, result: WrittenResult): string {
  const backbones = result.backbones.map(({ name, path }) => `--backbone ${name}=${quoted(path)}`);
  const unusual = model.backbones.flatMap((backbone) =>
    'positions' in backbone && backbone.spec.kind === 'vit' && backbone.positions !== officialRecipe(backbone.spec)
      ? [backbone.positions]
      : [],
  )[0];
  return [
    'lumenmark models import --name MY-MODEL',
    ...backbones,
    `--adapter ${quoted(result.folder)}`,
    `--input-size ${model.inputSize}`,
    ...(unusual === undefined ? [] : [`--positions ${unusual}`]),
  ].join(' ');
}

function quoted(path: string): string {
  return /^[\w./=:-]+$/.test(path) ? path : `"${path}"`;
}

export function isRestricted(licence: string): boolean {
  return /\bNC\b|GastroNet/i.test(licence);
}

/** The settings of a run by name. */
export function settingRows({ options, device }: RunFacts): string[][] {
  const { settings } = options;
  return [
    ['length', settings.steps === null ? `${settings.epochs} epochs` : `${settings.steps} steps`],
    ['batch', `${settings.batchSize}, ${settings.order === 'given' ? 'in the given order' : `at least ${settings.perClass} of a class`}`],
    ['loss', lossText(settings.loss)],
    ['augmentation', settings.augment],
    ['dropout of LoRA', options.training.kind === 'lora' ? String(settings.dropout) : '–'],
    ['AdamW', `${ratesText(options)}, weight decay ${settings.weightDecay}`],
    ['schedule', `${settings.schedule}${settings.warmupEpochs > 0 ? `, ${settings.warmupEpochs} epochs of warm-up` : ''}`],
    ['gradient norm', `clipped at ${settings.clip}`],
    ['seed', String(settings.seed)],
    ['device', device],
  ];
}

function ratesText({ training, settings }: FinetuneOptions): string {
  return training.kind === 'frozen'
    ? `learning rate ${settings.headLr}`
    : `learning rates ${settings.lr} (backbones) and ${settings.headLr} (head)`;
}

export function trainingText(training: BackboneTraining): string {
  switch (training.kind) {
    case 'frozen':
      return 'Backbones frozen, fusion head trained';
    case 'all':
      return 'All weights trained';
    case 'lora':
      return (
        `LoRA of rank ${training.rank}, alpha ${training.alpha}, on ${training.targets.join(', ')}` +
        `${training.lastBlocks === null ? ' of all blocks' : ` of the last ${training.lastBlocks} blocks`}, and fusion head`
      );
  }
}

function lossText(loss: LossOptions): string {
  switch (loss.kind) {
    case 'triplet':
      return `triplet margin ${loss.margin} on cosines, ${loss.miner} triplets${loss.miner === 'all' ? '' : ` (margin ${loss.minerMargin})`}`;
    case 'multi-similarity':
      return `multi-similarity, alpha ${loss.alpha}, beta ${loss.beta}, base ${loss.base}`;
    case 'supervised-contrastive':
      return `supervised contrastive, temperature ${loss.temperature}`;
    case 'normalised-softmax':
      return `normalised softmax, temperature ${loss.temperature}, labels smoothed by ${loss.smoothing}`;
  }
}

function classRecall(validation: Validation | null, label: string): string {
  return percentText(validation?.perClass[label]?.recallAt1 ?? NaN);
}

function measureRow(name: string, before: Validation, after: Validation, measure: 'recallAt1' | 'classMeanRecallAt1'): string[] {
  return [
    name,
    percentText(before[measure]),
    intervalText(before.byGroup[measure]),
    percentText(after[measure]),
    intervalText(after.byGroup[measure]),
  ];
}

function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}
