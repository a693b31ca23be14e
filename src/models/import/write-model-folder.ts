import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeModel } from '../../onnx/file.js';
import type { OnnxModel } from '../../onnx/graph.js';
import { loadFusionHead } from '../adapters/fusion-tensors.js';
import { mergeLora } from '../adapters/lora.js';
import { requireSpace } from '../files.js';
import { buildModelGraph, type GraphBackbone } from '../graph/model-graph.js';
import type { Precision } from '../graph/precision.js';
import { BackboneReader } from '../graph/weights.js';
import { MANIFEST_FILE, type ModelManifest } from '../manifest.js';
import { describeGraph, fingerprintOf, manifestOf } from './describe.js';
import type { ImportOptions } from './options.js';
import { checkBases, writeParts } from './parts.js';
import type { ImportPlan } from './plan.js';
import { GRAPH_FILE, tryModel } from './try-model.js';

/** From here on the weights lie in a file of their own, which onnxruntime maps instead of copying. */
const EXTERNAL_FROM_BYTES = 2 ** 25;

/**
 * Fills the folder of a model: parts, graph, manifest; the graph is run before anything is said of it.
 * @throws ModelError when there is too little room, the weights are damaged, or a variant stands too far from the exact model.
 */
export async function writeModelFolder(folder: string, plan: ImportPlan, options: ImportOptions): Promise<ModelManifest> {
  const { name, precision = 'fp32', device = 'cpu' } = options;
  const sourceBytes = plan.backbones.reduce((sum, backbone) => sum + backbone.source.byteLength, 0);
  // Parts and graph, and the exact graph beside it while a variant is compared.
  await requireSpace(folder, sourceBytes * (precision === 'fp32' ? 2.2 : 3.2));
  const parts = await writeParts(folder, plan, options);
  checkBases(plan, parts);

  const write = await graphWriter(folder, plan, options);
  options.onStage?.('writing the graph');
  const dimension = await write(GRAPH_FILE, precision);
  const graph = await describeGraph(folder, GRAPH_FILE);
  const fingerprint = fingerprintOf(plan, parts, precision);
  const parity = await tryModel(
    {
      name,
      fingerprint,
      graph: join(folder, GRAPH_FILE),
      input: { width: plan.inputSize, height: plan.inputSize },
      dimension,
      backbones: plan.backbones.map((backbone) => backbone.name),
      parts: [],
    },
    { folder, writeExact: (file) => write(file, 'fp32') },
    options,
  );
  const manifest = manifestOf(plan, {
    ...{ name, fingerprint, precision, dimension, parts, graph, parity },
    device: parity?.device ?? device,
    notice: options.notice,
  });
  await writeFile(join(folder, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`, { flush: true });
  return manifest;
}

/** Writes the graph of the model at a precision, and answers with the length of its embeddings. */
async function graphWriter(
  folder: string,
  plan: ImportPlan,
  { name, signal }: ImportOptions,
): Promise<(file: string, precision: Precision) => Promise<number>> {
  const backbones = plan.backbones.map((backbone): GraphBackbone => {
    if (backbone.kind === 'onnx') return backbone;
    const tensors = mergeLora(backbone.tensors, backbone.lora, plan.adapter?.path ?? backbone.source.path);
    return {
      name: backbone.name,
      spec: backbone.spec,
      positions: backbone.positions ?? 'plain',
      weights: () => new BackboneReader(tensors, backbone.source.path, signal),
    };
  });
  const head = plan.head === null ? null : await loadFusionHead(plan.head);
  return async (file, precision) => {
    const built = await buildModelGraph({ name, inputSize: plan.inputSize, backbones, head, precision });
    writeModel(join(folder, file), built.model, { externalData: weightBytes(built.model) > EXTERNAL_FROM_BYTES });
    return built.dimension;
  };
}

function weightBytes(model: OnnxModel): number {
  let total = 0;
  for (const { data } of model.graph.initializers.values()) total += data.byteLength;
  return total;
}
