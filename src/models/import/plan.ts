import { ModelError, UsageError } from '../../common/errors.js';
import type { Adapter } from '../adapters/adapter.js';
import type { FusionTensors } from '../adapters/fusion-tensors.js';
import type { LoraLayer } from '../adapters/lora.js';
import { nativeInputSize, officialRecipe } from '../backbones/spec.js';
import type { PositionRecipe } from '../positions.js';
import type { BackboneSource, OpenedSource } from '../sources.js';
import type { ImportOptions } from './options.js';

/** What an import is about to make: everything that is known before the first byte is written. */
export interface ImportPlan {
  readonly backbones: readonly (BackboneSource & { readonly lora: readonly LoraLayer[]; readonly positions: PositionRecipe | null })[];
  readonly head: FusionTensors | null;
  readonly adapter: Adapter | null;
  readonly inputSize: number;
  /** One line for people on each thing that was chosen, left aside or found. */
  readonly report: readonly string[];
}

/**
 * Puts the opened files together to one model.
 * @throws UsageError, ModelError when they do not go together.
 */
export function planImport(opened: readonly OpenedSource[], adapter: Adapter | null, options: ImportOptions): ImportPlan {
  const sources = opened.flatMap((source) => source.backbones);
  const heads = opened.flatMap((source) => (source.head === null ? [] : [source.head]));
  const report = opened.flatMap((source) => source.notes);
  if (heads.length > 0 && (adapter !== null || opened.length > 1)) {
    throw new UsageError('backbone', 'A whole trained checkpoint stands alone: it brings its backbones, LoRA and fusion head with it.', {
      remedy: 'Give either that one file, or backbones and an adapter.',
    });
  }
  const names = uniqueNames(sources.map((source) => source.name));
  const inputSize = commonInputSize(sources, names, options.inputSize);
  const backbones = sources.map((source, index) => {
    const name = names[index] ?? source.name;
    const lora = source.kind === 'weights' ? [...source.lora, ...(adapter?.lora.get(index) ?? [])] : [];
    const positions = source.kind === 'weights' && source.spec.kind === 'vit' ? (options.positions ?? officialRecipe(source.spec)) : null;
    report.push(...source.notes.map((note) => `${name}: ${note}`));
    if (positions !== null && source.kind === 'weights' && source.spec.kind === 'vit')
      report.push(`${name}: ${positionNote(source.spec.grid, inputSize / source.spec.patch, positions)}`);
    report.push(`${name}: licence ${source.identified.licence} (${evidenceText(source.identified.evidence)})`);
    return { ...source, name, lora, positions };
  });
  if (adapter !== null) checkAdapter(adapter, backbones, report);
  return { backbones, head: heads[0] ?? adapter?.head ?? null, adapter, inputSize, report };
}

function positionNote(from: number, to: number, recipe: PositionRecipe): string {
  return from === to ? `positions ${from}×${from} as stored` : `positions ${from}×${from} → ${to}×${to} by the recipe “${recipe}”`;
}

function evidenceText(evidence: BackboneSource['identified']['evidence']): string {
  switch (evidence) {
    case 'sha256':
      return 'known by its SHA-256';
    case 'file name':
      return 'told by the file name';
    case 'layout':
      return 'told by the layout, whose first backbone is GastroNet';
    case 'given':
      return 'as given';
    case 'none':
      return 'the file is not a published one';
  }
}

function uniqueNames(names: readonly string[]): string[] {
  const seen = new Map<string, number>();
  return names.map((name) => {
    const count = (seen.get(name) ?? 0) + 1;
    seen.set(name, count);
    return count === 1 ? name : `${name}-${count}`;
  });
}

/** Side of the input that all of them take, px. @throws ModelError `input-size` */
export function commonInputSize(sources: readonly BackboneSource[], names: readonly string[], asked: number | undefined): number {
  const sizes = sources.map((source) =>
    source.kind === 'onnx' ? (source.inputSize ?? asked ?? 224) : (asked ?? nativeInputSize(source.spec)),
  );
  const [first = 224] = sizes;
  if (sizes.some((size) => size !== first)) {
    throw new ModelError(
      'input-size',
      `The backbones take pictures of different size: ${names.map((name, index) => `${name} ${sizes[index] ?? 0} px`).join(', ')}.`,
      {
        remedy: 'Resize the positions of transformers with --input-size N; an ONNX graph of fixed size must have that size.',
      },
    );
  }
  for (const [index, source] of sources.entries()) {
    if (source.kind === 'weights' && source.spec.kind === 'vit' && first % source.spec.patch !== 0) {
      throw new ModelError(
        'input-size',
        `${names[index] ?? ''} takes whole patches of ${source.spec.patch} px; ${first} px is no multiple of it.`,
        {
          remedy: 'Choose --input-size so that every patch divides it, e.g. 224.',
        },
      );
    }
  }
  return first;
}

function checkAdapter(adapter: Adapter, backbones: ImportPlan['backbones'], report: string[]): void {
  report.push(...adapter.notes.map((note) => `adapter: ${note}`));
  const count = Math.max(adapter.bases.length, ...[...adapter.lora.keys()].map((index) => index + 1));
  const wrongCount = adapter.bases.length > 0 ? count !== backbones.length : count > backbones.length;
  const onnx = backbones.find((backbone, index) => backbone.kind === 'onnx' && adapter.lora.has(index));
  if (wrongCount || onnx !== undefined) {
    const why = wrongCount
      ? `it was trained on ${count} backbones, ${backbones.length} are given`
      : `${onnx?.name ?? ''} is an ONNX graph, into which nothing can be merged`;
    throw new ModelError('adapter-base', `${adapter.path} does not go with these backbones: ${why}.`, {
      remedy: 'Give the checkpoints that it was trained with, in that order.',
    });
  }
}
