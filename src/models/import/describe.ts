/** What the manifest says of a model. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sha256Of } from '../../common/sha256.js';
import { version } from '../../common/version.js';
import type { FusionTensors } from '../adapters/fusion-tensors.js';
import { parameterCount } from '../backbones/spec.js';
import { sizeOf } from '../checkpoint/tensor.js';
import type { Precision } from '../graph/precision.js';
import { IMAGENET_MEAN, IMAGENET_STD } from '../graph/preprocessing.js';
import { manifestSchema, type ManifestPart, type ModelManifest, type Parity } from '../manifest.js';
import { parityText } from '../parity.js';
import { architectureOf, describeFile, type BackboneSource } from '../sources.js';
import type { ImportPlan } from './plan.js';

/** What only writing and running the model could tell. */
interface Written {
  readonly name: string;
  readonly fingerprint: string;
  readonly precision: Precision;
  readonly device: string;
  readonly dimension: number;
  readonly parts: readonly ManifestPart[];
  readonly graph: ModelManifest['graph'];
  readonly parity: Parity | null;
  readonly notice: string | undefined;
}

export function manifestOf(
  plan: ImportPlan,
  { name, fingerprint, precision, device, dimension, parts, graph, parity, notice }: Written,
): ModelManifest {
  return manifestSchema.parse({
    format: 'lumenmark-model',
    version: 1,
    name,
    fingerprint,
    createdAt: new Date().toISOString(),
    createdBy: `lumenmark ${version}`,
    precision,
    device,
    dimension,
    preprocessing: preprocessing(plan.inputSize),
    backbones: plan.backbones.map((backbone) => ({
      name: backbone.name,
      architecture: architectureOf(backbone),
      spec: backbone.spec,
      positions: backbone.positions,
      parameters: parametersOf(backbone),
      part: `backbone:${backbone.name}`,
    })),
    parts,
    adapter: adapterSummary(plan),
    parameters: plan.backbones.reduce((sum, backbone) => sum + parametersOf(backbone), 0) + headParameters(plan.head),
    notice,
    graph,
    parity: parity === null ? [] : [parity],
    report: parity === null ? plan.report : [...plan.report, parityText(parity)],
  });
}

function preprocessing(size: number): ModelManifest['preprocessing'] {
  return { width: size, height: size, resize: 'squash, bilinear, antialiased', mean: [...IMAGENET_MEAN], std: [...IMAGENET_STD] };
}

/** The files of a graph: itself, and its weights where they lie beside it. */
export async function describeGraph(folder: string, file: string): Promise<ModelManifest['graph']> {
  const files = (await readdir(folder)).filter((name) => name === file || name === `${file}.data`).sort();
  return Promise.all(
    files.map(async (name) => {
      const { sha256, byteLength } = await describeFile(join(folder, name));
      return { file: name, sha256, byteLength };
    }),
  );
}

/** Names and places of files do not count; whatever moves an embedding does. */
export function fingerprintOf(plan: ImportPlan, parts: readonly ManifestPart[], precision: Precision): string {
  const content = {
    format: 1,
    preprocessing: preprocessing(plan.inputSize),
    precision,
    backbones: plan.backbones.map((backbone) => ({
      sha256: parts.find(({ name }) => name === `backbone:${backbone.name}`)?.sha256,
      positions: backbone.positions,
    })),
    adapter: parts.find(({ name }) => name === 'adapter')?.sha256 ?? null,
  };
  return sha256Of(JSON.stringify(content));
}

function parametersOf(backbone: BackboneSource): number {
  if (backbone.kind === 'weights') return parameterCount(backbone.spec);
  let count = 0;
  for (const { type, shape } of backbone.model.graph.initializers.values())
    if (type.startsWith('float') || type === 'bfloat16') count += sizeOf(shape);
  return count;
}

function headParameters(head: FusionTensors | null): number {
  let count = 0;
  for (const [name, tensor] of head ?? []) if (!/running_/.test(name)) count += sizeOf(tensor.shape);
  return count;
}

function adapterSummary(plan: ImportPlan): ModelManifest['adapter'] {
  const layers = plan.backbones.flatMap((backbone) => backbone.lora);
  if (layers.length === 0 && plan.head === null) return null;
  const [outputs = 0, inputs = 0] = plan.head?.get('fusion_fc.0.weight')?.shape ?? [];
  return {
    loraLayers: layers.length,
    loraParameters: layers.reduce((sum, layer) => sum + sizeOf(layer.a.shape) + sizeOf(layer.b.shape), 0),
    head: plan.head === null ? null : { inputs, outputs },
  };
}
