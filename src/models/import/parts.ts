/** What a model keeps of the files that it was made of: their weights, under its own names, and where they came from. */
import { createHash } from 'node:crypto';
import { mkdir, readdir } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { ModelError } from '../../common/errors.js';
import { encodeModelChunks } from '../../onnx/encode.js';
import { safetensorsChunks, type WritableTensor } from '../checkpoint/safetensors.js';
import { writeChunks } from '../files.js';
import type { ManifestPart } from '../manifest.js';
import { describeFile, type BackboneSource } from '../sources.js';
import type { ImportOptions } from './options.js';
import type { ImportPlan } from './plan.js';

export async function writeParts(folder: string, plan: ImportPlan, options: ImportOptions): Promise<ManifestPart[]> {
  const parts: ManifestPart[] = [];
  await mkdir(join(folder, 'parts'));
  for (const backbone of plan.backbones) {
    options.onStage?.(`keeping the weights of ${backbone.name}`);
    options.signal?.throwIfAborted();
    const extension = backbone.kind === 'onnx' ? 'onnx' : 'safetensors';
    const file = `parts/backbone-${backbone.name}.${extension}`;
    const chunks = backbone.kind === 'onnx' ? encodeModelChunks(backbone.model) : safetensorsChunks([...backbone.tensors.values()]);
    const written = await writeChunks(join(folder, file), chunks);
    parts.push(partOf(`backbone:${backbone.name}`, file, written, backbone));
  }
  const trained = adapterTensors(plan);
  const [first] = plan.backbones;
  if (trained.tensors.length > 0 && first !== undefined) {
    const written = await writeChunks(join(folder, 'parts/adapter.safetensors'), safetensorsChunks(trained.tensors, trained.metadata));
    const source = plan.adapter === null ? first.source : await adapterSource(plan.adapter.path);
    parts.push({
      name: 'adapter',
      ...written,
      file: 'parts/adapter.safetensors',
      ...adapterLicence(plan, options.licence),
      origin: source.file,
      source: { file: source.file, sha256: source.sha256, byteLength: source.byteLength },
    });
  }
  return parts;
}

/** What was trained on restricted weights is as restricted as they are. */
function adapterLicence(plan: ImportPlan, given: string | undefined): Pick<ManifestPart, 'licence' | 'licenceEvidence'> {
  const restricted = plan.backbones.find((backbone) => /\bNC\b|GastroNet/i.test(backbone.identified.licence));
  if (restricted !== undefined)
    return { licence: `derived from ${restricted.name}: ${restricted.identified.licence}`, licenceEvidence: 'derived' };
  if (given !== undefined) return { licence: given, licenceEvidence: 'given' };
  return { licence: 'as its trainer says; not stated in the file', licenceEvidence: 'none' };
}

/** A folder is told by its largest file: the rest is configuration. */
async function adapterSource(path: string): Promise<{ file: string; sha256: string; byteLength: number }> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true }).catch(() => []);
  const files = entries
    .filter((entry) => entry.isFile() && /\.safetensors$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name));
  if (files.length === 0) return describeFile(path);
  const hash = createHash('sha256');
  let byteLength = 0;
  for (const file of files.sort()) {
    const described = await describeFile(file);
    hash.update(described.sha256);
    byteLength += described.byteLength;
  }
  return {
    file: basename(path),
    sha256: hash.digest('hex'),
    byteLength,
  };
}

function partOf(
  name: string,
  file: string,
  written: { sha256: string; byteLength: number },
  { identified, source }: BackboneSource,
): ManifestPart {
  const { known, licence, evidence } = identified;
  return {
    name,
    ...written,
    file,
    licence,
    licenceEvidence: evidence,
    origin: known === null ? source.file : `${known.title}; ${known.origin}${known.url === undefined ? '' : `; ${known.url}`}`,
    source: { file: source.file, sha256: source.sha256, byteLength: source.byteLength },
  };
}

/** LoRA matrices under `<backbone>.<module>.lora_A|B` and the head under `fusion_fc.*`, in one file; scales stand in its metadata. */
function adapterTensors(plan: ImportPlan): { tensors: WritableTensor[]; metadata: Record<string, string> } {
  const tensors: WritableTensor[] = [];
  const scales: Record<string, number> = {};
  for (const backbone of plan.backbones) {
    for (const layer of backbone.lora) {
      const at = `${backbone.name}.${layer.module}${layer.parts > 1 ? `.${layer.part}` : ''}`;
      tensors.push(
        { ...layer.a, name: `${at}.lora_A.weight`, read: () => layer.a.read() },
        { ...layer.b, name: `${at}.lora_B.weight`, read: () => layer.b.read() },
      );
      scales[at] = layer.scale;
    }
  }
  for (const [name, tensor] of plan.head ?? []) tensors.push({ ...tensor, name, read: () => tensor.read() });
  const metadata: Record<string, string> = Object.keys(scales).length > 0 ? { scales: JSON.stringify(scales) } : {};
  return { tensors, metadata };
}

/** @throws ModelError `adapter-base` when the adapter names other weights than those it is joined with. */
export function checkBases(plan: ImportPlan, parts: readonly ManifestPart[]): void {
  for (const [index, base] of (plan.adapter?.bases ?? []).entries()) {
    const backbone = plan.backbones[index];
    const part = parts.find(({ name }) => name === `backbone:${backbone?.name ?? ''}`);
    if (base.sha256 === undefined || part === undefined || part.sha256 === base.sha256) continue;
    throw new ModelError(
      'adapter-base',
      `${plan.adapter?.path ?? ''} was trained on other weights of ${base.name} than those of ${backbone?.source.path ?? ''}.`,
      {
        remedy: 'Give the checkpoints that the adapter was trained with, in that order.',
      },
    );
  }
}
