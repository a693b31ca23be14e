import { ModelError } from '../../common/errors.js';
import { inferBackbone } from '../backbones/backbone.js';
import type { VitSpec } from '../backbones/spec.js';
import { selectBackbone, type TensorMap } from '../backbones/state-dict.js';
import type { CheckpointTensor } from '../checkpoint/tensor.js';
import { assumedNote, assumedScale, type OpenAdapterOptions } from './adapter.js';
import { fusionTensors, isFusionName, type FusionTensors } from './fusion-tensors.js';
import { pairLora, parseLoraName, type LoraLayer } from './lora.js';

/** A whole trained dual model in one file, in the layout of the method's published code: `model1.*`, `model2.*`, `fusion_fc.*`. */
export interface PublishedModel {
  readonly backbones: readonly {
    readonly name: string;
    readonly spec: VitSpec;
    readonly tensors: TensorMap;
    readonly lora: readonly LoraLayer[];
    readonly notes: readonly string[];
  }[];
  readonly head: FusionTensors;
  readonly notes: readonly string[];
}

const GROUP = /^(?:module\.)?(model[12])\.(.+)$/;

export function isPublishedLayout(tensors: TensorMap): boolean {
  const names = [...tensors.keys()];
  return (
    ['model1', 'model2'].every((group) => names.some((name) => GROUP.exec(name)?.[1] === group)) &&
    names.some((name) => /cls_token$/.test(name))
  );
}

/** @throws ModelError as for backbones and adapters, and `published-layout` when the fusion head is missing or something is left over. */
export function readPublished(tensors: TensorMap, path: string, options: OpenAdapterOptions): PublishedModel {
  const groups: Record<string, Map<string, CheckpointTensor>> = { model1: new Map(), model2: new Map() };
  const fusion = new Map<string, CheckpointTensor>();
  const others: string[] = [];
  for (const [name, tensor] of tensors) {
    const [, group = '', rest = ''] = GROUP.exec(name) ?? [];
    if (isFusionName(name)) fusion.set(name, tensor);
    else if (groups[group] === undefined) others.push(name);
    else groups[group].set(rest, tensor);
  }
  if (fusion.size === 0 || others.length > 0) {
    const fault = others.length > 0 ? `it also holds ${others.slice(0, 20).join(', ')}` : 'fusion_fc is missing';
    throw new ModelError('published-layout', `${path} looks like a checkpoint of the published dual model, but ${fault}.`, {
      remedy: 'Save the state dict of the whole trained model and nothing else.',
    });
  }
  // The published code takes GastroNet first and DINOv2 second.
  const names = ['gastronet', 'dinov2'];
  const backbones = Object.values(groups).map((group, index) => readGroup(group, names[index] ?? `backbone${index + 1}`, path, options));
  const hasLora = backbones.some((backbone) => backbone.lora.length > 0);
  return {
    backbones,
    head: fusionTensors(fusion, path),
    notes: ['whole dual model in the layout of the published code', ...(hasLora ? [assumedNote(options)] : [])],
  };
}

function readGroup(group: TensorMap, name: string, path: string, options: OpenAdapterOptions): PublishedModel['backbones'][number] {
  const place = `${path} (${name})`;
  const lora = pairLora(group, assumedScale(options), place);
  const base = new Map<string, CheckpointTensor>();
  for (const [tensorName, tensor] of group) {
    if (parseLoraName(tensorName) === null) base.set(tensorName.replace(/\.base_layer\./, '.'), tensor);
  }
  const selected = selectBackbone(base, place);
  const { spec, tensors, notes } = inferBackbone(selected.tensors, place);
  if (spec.kind !== 'vit')
    throw new ModelError('published-layout', `${place} is not a vision transformer.`, { remedy: 'Save the model of the published code.' });
  const lacks =
    spec.family !== 'dinov2'
      ? []
      : [spec.registers === 0 ? 'register tokens' : '', spec.layerScale ? '' : 'LayerScale'].filter((item) => item !== '');
  const warning =
    lacks.length === 0
      ? []
      : [
          `WARNING: this DINOv2 has no ${lacks.join(' and no ')}, which the official checkpoint has: the published code builds the network without them and, with its chunked block names, loads 7 of the official 176 tensors; unless that was repaired before training, its blocks were random`,
        ];
  return { name, spec, tensors, lora, notes: [...selected.notes, ...notes, `LoRA on ${lora.length} layers`, ...warning] };
}
