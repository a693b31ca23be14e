import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { messageOf, ModelError } from '../common/errors.js';
import { sha256Schema } from '../common/sha256.js';
import { PRECISIONS } from './graph/precision.js';
import { POSITION_RECIPES } from './positions.js';

export const MANIFEST_FILE = 'manifest.json';

const count = z.number().int().nonnegative();
/** A file inside the model's folder; it cannot point elsewhere. */
const file = z.object({ file: z.string().regex(/^(?!.*\.\.)[\w./-]+$/), sha256: sha256Schema, byteLength: count });

const vit = z.object({
  kind: z.literal('vit'),
  family: z.enum(['dino', 'dinov2']),
  dimension: count,
  depth: count,
  heads: count,
  patch: count,
  grid: count,
  registers: count,
  layerScale: z.boolean(),
  mlp: z.enum(['gelu', 'swiglu']),
  hidden: count,
});
const resnet = z.object({
  kind: z.literal('resnet'),
  family: z.literal('resnet'),
  block: z.enum(['basic', 'bottleneck']).default('bottleneck'),
  stemPool: z.boolean().default(true),
  dimension: count,
  stem: count,
  blocks: z.array(count),
  widths: z.array(count),
});
const onnx = z.object({ kind: z.literal('onnx'), family: z.literal('onnx'), dimension: count, input: z.string(), output: z.string() });

/** An ONNX graph taken as it is. */
export type OnnxSpec = z.infer<typeof onnx>;

const parity = z.object({
  device: z.string(),
  precision: z.enum(PRECISIONS as unknown as ['fp32', 'fp16', 'int8']),
  pictures: count,
  calibration: z.string(),
  cosine: z.object({ min: z.number(), mean: z.number() }),
  /** Share of each picture's five nearest others that stay among the five nearest. */
  rankAgreement: z.number(),
  bound: z.object({ cosine: z.number(), rankAgreement: z.number() }),
  passed: z.boolean(),
  measuredAt: z.string(),
});

/** How far a variant stands from fp32 on the CPU. */
export type Parity = z.infer<typeof parity>;

const part = z.object({
  name: z.string(),
  /** SHA-256 of the part as kept here; the same weights give the same hash whatever file they came from. */
  sha256: sha256Schema,
  file: z.string(),
  byteLength: count,
  licence: z.string(),
  licenceEvidence: z.enum(['sha256', 'file name', 'layout', 'given', 'none', 'derived']),
  origin: z.string(),
  /** The file it was made from, as it was found. */
  source: z.object({ file: z.string(), sha256: sha256Schema, byteLength: count }),
});

export const manifestSchema = z.object({
  format: z.literal('lumenmark-model'),
  version: z.literal(1),
  name: z.string(),
  fingerprint: sha256Schema,
  createdAt: z.string(),
  createdBy: z.string(),
  precision: z.enum(PRECISIONS as unknown as ['fp32', 'fp16', 'int8']),
  /** Where it was imported to run; `--device` at run time stands above it. */
  device: z.string(),
  dimension: count,
  preprocessing: z.object({
    width: count,
    height: count,
    resize: z.literal('squash, bilinear, antialiased'),
    mean: z.tuple([z.number(), z.number(), z.number()]),
    std: z.tuple([z.number(), z.number(), z.number()]),
  }),
  backbones: z.array(
    z.object({
      name: z.string(),
      architecture: z.string(),
      spec: z.discriminatedUnion('kind', [vit, resnet, onnx]),
      /** How position embeddings were resized; null where there are none. */
      positions: z.enum(POSITION_RECIPES as unknown as ['scale-factor', 'antialias', 'plain']).nullable(),
      parameters: count,
      /** Part with the weights before anything was folded or merged into them. */
      part: z.string(),
    }),
  ),
  parts: z.array(part),
  /** Trained parameters in the graph: LoRA matrices and fusion head. */
  adapter: z.object({ loraLayers: count, loraParameters: count, head: z.object({ inputs: count, outputs: count }).nullable() }).nullable(),
  parameters: count,
  /** What whoever takes the model must know. */
  notice: z.string().optional(),
  graph: z.array(file).min(1),
  parity: z.array(parity),
  /** What the import said. */
  report: z.array(z.string()),
});

export type ModelManifest = z.infer<typeof manifestSchema>;
export type ManifestPart = z.infer<typeof part>;

/** The way out for a model that is not whole. */
export const MEND_MODEL = 'Import it again with --replace; one that came with Lumenmark comes back when that is installed again.';

/** @throws ModelError `model-manifest` when it is missing or damaged. */
export async function readManifest(folder: string): Promise<ModelManifest> {
  const path = join(folder, MANIFEST_FILE);
  try {
    return manifestSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    const why =
      error instanceof z.ZodError ? error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ') : messageOf(error);
    throw new ModelError('model-manifest', `${path} cannot be read: ${why}.`, {
      cause: error,
      remedy: MEND_MODEL,
    });
  }
}
