import { UsageError } from '../common/errors.js';
import { patchesAcross } from '../models/graph/vit.js';
import { isTrainedResnet, isTrainedTransformer, LORA_TARGETS, type LoraTraining, type TrainableModel } from './model.js';
import type { LossOptions, StepOptions } from './step.js';

/** @throws UsageError `training-options` that names the option; ModelError `input-size` */
export function checkStep(model: TrainableModel, options: StepOptions): void {
  if (model.backbones.length === 0) throw wrong('backbones', 'none are given', 'Give at least one backbone.');
  const names = model.backbones.map(({ name }) => name);
  if (new Set(names).size !== names.length)
    throw wrong('backbones', `two have the same name (${names.join(', ')})`, 'Name each differently.');
  if (model.head === null && model.backbones.every(({ training }) => training.kind === 'frozen')) {
    throw wrong('backbones', 'all are frozen and there is no fusion head', 'Train a backbone or add a head.');
  }
  for (const { name, spec, training } of model.backbones.filter(isTrainedTransformer)) {
    patchesAcross(model.inputSize, spec);
    if (spec.mlp !== 'gelu') {
      const remedy = 'Train a backbone with a GELU MLP: all of DINO, and DINOv2 up to ViT-L.';
      throw wrong('backbones', `${name} has a SwiGLU MLP, which cannot be trained here`, remedy);
    }
    if (training.kind === 'lora') checkLora(training);
  }
  if (model.head !== null) whole('head.outputs', model.head.outputs);
  if (!(options.dropout >= 0 && options.dropout < 1))
    throw wrong('dropout', `it is ${String(options.dropout)}`, 'Give a share from 0 to below 1.');
  if (options.microBatch !== null) {
    whole('microBatch', options.microBatch);
    const resnet = model.backbones.find(isTrainedResnet);
    if (resnet !== undefined)
      throw wrong(
        'microBatch',
        `BatchNorm of ${resnet.name} has to see the whole batch`,
        'Leave --micro-batch out, or make --batch-size smaller.',
      );
  }
  checkLoss(options.loss);
  if ((options.loss.kind === 'normalised-softmax') !== (model.proxies !== undefined))
    throw wrong(
      'loss',
      'proxies go with the normalised softmax and with it alone',
      'Give the model a proxy per class, or take another loss.',
    );
  if (model.proxies !== undefined) whole('proxies', model.proxies);
}

function checkLora({ rank, alpha, targets, lastBlocks }: LoraTraining): void {
  whole('rank', rank);
  positive('alpha', alpha);
  if (targets.length === 0) throw wrong('targets', 'it is empty', `Give some of ${LORA_TARGETS.join(', ')}.`);
  if (lastBlocks !== null) whole('lastBlocks', lastBlocks);
}

function checkLoss(loss: LossOptions): void {
  switch (loss.kind) {
    case 'triplet':
      positive('margin', loss.margin);
      if (!Number.isFinite(loss.minerMargin)) throw wrong('minerMargin', `it is ${String(loss.minerMargin)}`, 'Give a number.');
      return;
    case 'multi-similarity':
      positive('alpha', loss.alpha);
      positive('beta', loss.beta);
      return;
    case 'supervised-contrastive':
      positive('temperature', loss.temperature);
      return;
    case 'normalised-softmax':
      positive('temperature', loss.temperature);
      if (!(loss.smoothing >= 0 && loss.smoothing < 1))
        throw wrong('smoothing', `it is ${String(loss.smoothing)}`, 'Give a share from 0 to below 1.');
  }
}

function whole(option: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) throw wrong(option, `it is ${String(value)}`, 'Give a whole number from 1 on.');
}

function positive(option: string, value: number): void {
  if (!(value > 0 && Number.isFinite(value))) throw wrong(option, `it is ${String(value)}`, 'Give a number above 0.');
}

function wrong(option: string, why: string, remedy: string): UsageError {
  return new UsageError('training-options', `Training cannot start with this ${option}: ${why}.`, { remedy });
}
