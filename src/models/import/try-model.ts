/** The first run of a model: whether it gives numbers at all and, for a variant, how far they are from those of the exact graph on the CPU. */
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ModelError } from '../../common/errors.js';
import { syntheticPictures } from '../calibration.js';
import type { Parity } from '../manifest.js';
import type { Model } from '../model.js';
import { measureParity, parityText } from '../parity.js';
import type { ImportOptions } from './options.js';

export const GRAPH_FILE = 'model.onnx';
const EXACT_FILE = 'reference.onnx';

interface Workbench {
  readonly folder: string;
  /** Writes the exact graph into the folder, for as long as it is compared with. */
  readonly writeExact: (file: string) => Promise<unknown>;
}

/**
 * @returns null for fp32 on the CPU, which is the reference itself.
 * @throws ModelError `model-not-finite`, and `model-parity` for a variant below its bound, unless it is forced.
 */
export async function tryModel(model: Model, { folder, writeExact }: Workbench, options: ImportOptions): Promise<Parity | null> {
  const { precision = 'fp32', device = 'cpu', run, onStage } = options;
  const size = model.input.width;
  onStage?.('running the model');
  if (precision === 'fp32' && device === 'cpu') {
    const { embeddings } = await run(model, syntheticPictures(size, 1), 'cpu');
    requireFinite(embeddings, model.name);
    return null;
  }
  const pictures = options.calibration === undefined ? syntheticPictures(size) : await options.calibration(size);
  if (precision !== 'fp32') {
    onStage?.('writing the exact graph to compare with');
    await writeExact(EXACT_FILE);
  }
  const exact = precision === 'fp32' ? model : { ...model, graph: join(folder, EXACT_FILE) };
  const reference = await run(exact, pictures, 'cpu');
  requireFinite(reference.embeddings, model.name);
  const variant = await run(model, pictures, device);
  for (const file of await readdir(folder)) if (file.startsWith(EXACT_FILE)) await rm(join(folder, file));
  const { dimension } = model;
  const parity = measureParity(reference.embeddings, variant.embeddings, { precision, device: variant.device, dimension, pictures });
  options.onReport?.(parityText(parity));
  if (!parity.passed && options.force !== true) {
    throw new ModelError('model-parity', `${model.name} is refused: ${parityText(parity)}.`, {
      remedy: 'Use --precision fp32 or another device; --force keeps the variant all the same, and its manifest says so.',
    });
  }
  return parity;
}

function requireFinite(embeddings: Float32Array, name: string): void {
  if (embeddings.length > 0 && embeddings.every((value) => Number.isFinite(value))) return;
  throw new ModelError('model-not-finite', `${name} gives NaN for an ordinary picture.`, {
    remedy: 'The weights are damaged or out of scale; use another checkpoint.',
  });
}
