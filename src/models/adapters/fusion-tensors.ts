import { ModelError } from '../../common/errors.js';
import { listNames, type TensorMap } from '../backbones/state-dict.js';
import { sameLengths, shapeText, type CheckpointTensor } from '../checkpoint/tensor.js';
import type { FusionHead } from '../graph/fusion.js';

/** The fusion head as the published code names it: `fusion_fc.0` Linear, `fusion_fc.1` BatchNorm. */
export type FusionTensors = TensorMap;

const NAMES = ['0.weight', '0.bias', '1.weight', '1.bias', '1.running_mean', '1.running_var'];

export function isFusionName(name: string): boolean {
  return /(^|\.)fusion_fc\./.test(name);
}

/**
 * Checks the tensors of a fusion head and puts them under `fusion_fc.*`.
 *
 * @throws ModelError `fusion-head`
 */
export function fusionTensors(tensors: TensorMap, path: string): FusionTensors {
  const found = new Map<string, CheckpointTensor>();
  const unexpected: string[] = [];
  for (const [name, tensor] of tensors) {
    const plain = name.replace(/^.*fusion_fc\./, '');
    if (NAMES.includes(plain)) found.set(`fusion_fc.${plain}`, tensor);
    else if (plain !== '1.num_batches_tracked') unexpected.push(name);
  }
  const missing = NAMES.filter((name) => !found.has(`fusion_fc.${name}`));
  const [outputs = 0, inputs = 0] = found.get('fusion_fc.0.weight')?.shape ?? [];
  const misshapen = [...found]
    .filter(([name, tensor]) => !sameLengths(tensor.shape, name === 'fusion_fc.0.weight' ? [outputs, inputs] : [outputs]))
    .map(([name, tensor]) => `${name} is ${shapeText(tensor.shape)}`);
  if (missing.length + unexpected.length + misshapen.length > 0 || outputs === 0 || inputs === 0) {
    const faults = [
      ...missing.map((name) => `fusion_fc.${name} is missing`),
      ...misshapen,
      ...unexpected.map((name) => `${name} is not part of Linear and BatchNorm`),
    ];
    throw new ModelError('fusion-head', `${path}: the fusion head is not the one of the method: ${listNames(faults, 20)}.`, {
      remedy: 'A fusion head is Linear, BatchNorm and GELU, saved as fusion_fc.0 and fusion_fc.1.',
    });
  }
  return found;
}

export async function loadFusionHead(tensors: FusionTensors): Promise<FusionHead> {
  const read = async (name: string): Promise<Float32Array> => (await tensors.get(`fusion_fc.${name}`)?.read()) ?? new Float32Array();
  const [outputs = 0, inputs = 0] = tensors.get('fusion_fc.0.weight')?.shape ?? [];
  return {
    inputs,
    outputs,
    weight: await read('0.weight'),
    bias: await read('0.bias'),
    norm: {
      weight: await read('1.weight'),
      bias: await read('1.bias'),
      runningMean: await read('1.running_mean'),
      runningVar: await read('1.running_var'),
    },
  };
}
