import { ModelError } from '../../common/errors.js';
import { sameLengths, shapeText, type CheckpointTensor } from '../checkpoint/tensor.js';
import { fromHuggingFace, isHuggingFace } from './huggingface.js';
import { describeSpec, expectedTensors, HEAD_WIDTH, type BackboneSpec, type ResnetSpec, type VitSpec } from './spec.js';
import { isUnneeded, listNames, type TensorMap } from './state-dict.js';

/** The weights of one backbone under the names of the original code, complete and of the right shapes. */
export interface BackboneWeights {
  readonly spec: BackboneSpec;
  /** Exactly the tensors of `expectedTensors(spec)`. */
  readonly tensors: TensorMap;
  readonly notes: readonly string[];
}

/**
 * Infers the architecture from names and shapes, then holds every tensor against it: all must be there, with their shapes, and none may be
 * left over but those known to be unneeded.
 *
 * @throws ModelError `backbone-unknown`, `backbone-tensors`
 */
export function inferBackbone(stateDict: TensorMap, path: string): BackboneWeights {
  const notes: string[] = [];
  let tensors = stateDict;
  if (isHuggingFace(tensors)) {
    tensors = fromHuggingFace(tensors);
    notes.push("read the names as Hugging Face's");
  }
  const chunked = unchunkBlocks(tensors, path);
  if (chunked !== null) {
    tensors = chunked;
    notes.push('read the block names as chunked (`blocks.CHUNK.N`)');
  }
  const spec = tensors.has('cls_token') ? inferVit(tensors, path) : inferResnet(tensors, path);
  const used = checkTensors(spec, tensors, path, notes);
  return { spec, tensors: used, notes };
}

/**
 * DINOv2's training code names blocks `blocks.CHUNK.N`, with N counting through all chunks; loading such names into an unchunked model, or
 * the reverse, is how whole networks have stayed random unnoticed.
 */
function unchunkBlocks(tensors: TensorMap, path: string): TensorMap | null {
  const pattern = /^blocks\.\d+\.(\d+\..+)$/;
  if (![...tensors.keys()].some((name) => pattern.test(name))) return null;
  const result = new Map<string, CheckpointTensor>();
  for (const [name, tensor] of tensors) {
    const plain = name.replace(pattern, 'blocks.$1');
    if (result.has(plain)) {
      throw new ModelError('backbone-tensors', `${path} holds ${plain} twice, in two chunks of blocks.`, {
        remedy: 'Export the weights of one network with its own block names.',
      });
    }
    result.set(plain, tensor);
  }
  return result;
}

function inferVit(tensors: TensorMap, path: string): VitSpec {
  const shape = (name: string): readonly number[] => tensors.get(name)?.shape ?? [];
  const dimension = shape('cls_token').at(-1) ?? 0;
  const patch = shape('patch_embed.proj.weight').at(-1) ?? 0;
  const positions = (shape('pos_embed')[1] ?? 0) - 1;
  const grid = Math.round(Math.sqrt(Math.max(positions, 0)));
  const depth = 1 + Math.max(-1, ...[...tensors.keys()].map((name) => Number(/^blocks\.(\d+)\./.exec(name)?.[1] ?? -1)));
  const registers = tensors.has('register_tokens') ? (shape('register_tokens')[1] ?? 0) : 0;
  const layerScale = [...tensors.keys()].some((name) => /^blocks\.\d+\.ls[12]\.gamma$/.test(name));
  const swiglu = [...tensors.keys()].some((name) => /^blocks\.\d+\.mlp\.w(12|3)\./.test(name));
  const hidden = swiglu ? (shape('blocks.0.mlp.w3.weight')[1] ?? 0) : (shape('blocks.0.mlp.fc1.weight')[0] ?? 0);
  if (depth > 1000) throw unknownArchitecture(path, `block ${depth - 1} is out of reason`);
  if (grid * grid !== positions || grid === 0)
    throw unknownArchitecture(path, `${positions + 1} position embeddings are not a square grid and a class token`);
  if (dimension === 0 || dimension % HEAD_WIDTH !== 0) {
    throw unknownArchitecture(path, `tokens of width ${dimension} are not a multiple of the head width ${HEAD_WIDTH}`);
  }
  if (patch === 0 || depth === 0 || hidden === 0) throw unknownArchitecture(path, `patch ${patch}, ${depth} blocks, MLP of ${hidden}`);
  const family = layerScale || registers > 0 || swiglu || tensors.has('mask_token') || patch === 14 ? 'dinov2' : 'dino';
  return {
    kind: 'vit',
    family,
    dimension,
    depth,
    heads: dimension / HEAD_WIDTH,
    patch,
    grid,
    registers,
    layerScale,
    mlp: swiglu ? 'swiglu' : 'gelu',
    hidden,
  };
}

function inferResnet(tensors: TensorMap, path: string): ResnetSpec {
  const blocks: number[] = [];
  for (const name of tensors.keys()) {
    const found = /^layer(\d+)\.(\d+)\./.exec(name);
    if (found === null) continue;
    const stage = Number(found[1]) - 1;
    const block = Number(found[2]);
    if (stage < 0 || stage > 15 || block > 999) throw unknownArchitecture(path, `${name} is out of reason`);
    blocks[stage] = Math.max(blocks[stage] ?? 0, block + 1);
  }
  const counts = Array.from(blocks, (count: number | undefined) => count ?? 0);
  if (counts.length === 0 || counts.includes(0)) throw unknownArchitecture(path, `its stages have ${counts.join('-')} blocks`);
  const block = tensors.has('layer1.0.conv3.weight') ? 'bottleneck' : 'basic';
  // Where stem and first stage are equally wide, as in torchvision's, a basic block needs a convolution beside it only where it halves the picture.
  const stemPool = block === 'bottleneck' || !tensors.has('layer1.0.downsample.0.weight');
  const widths = counts.map((_, stage) => tensors.get(`layer${stage + 1}.0.conv1.weight`)?.shape[0] ?? 0);
  const stem = tensors.get('conv1.weight')?.shape[0] ?? 0;
  const dimension = (block === 'basic' ? 1 : 4) * (widths.at(-1) ?? 0);
  return { kind: 'resnet', family: 'resnet', block, stemPool, dimension, stem, blocks: counts, widths };
}

function unknownArchitecture(path: string, what: string): ModelError {
  return new ModelError('backbone-unknown', `${path} is no DINO, DINOv2 or ResNet architecture that is known here: ${what}.`, {
    remedy: 'Known are DINOv2 and DINO vision transformers with heads of 64, and ResNets.',
  });
}

function checkTensors(spec: BackboneSpec, tensors: TensorMap, path: string, notes: string[]): TensorMap {
  const used = new Map<string, CheckpointTensor>();
  const missing: string[] = [];
  const misshapen: string[] = [];
  for (const [name, shape] of expectedTensors(spec)) {
    const tensor = tensors.get(name);
    if (tensor === undefined) missing.push(name);
    else if (!sameLengths(tensor.shape, shape)) misshapen.push(`${name} is ${shapeText(tensor.shape)} instead of ${shapeText(shape)}`);
    else used.set(name, { ...tensor, name, read: () => tensor.read() });
  }
  const rest = [...tensors.keys()].filter((name) => !used.has(name) && !misshapen.some((line) => line.startsWith(`${name} is`)));
  const unexpected = rest.filter((name) => !isUnneeded(name));
  const unneeded = rest.filter(isUnneeded);
  if (missing.length + misshapen.length + unexpected.length > 0) {
    const faults = [
      missing.length > 0 ? `${missing.length} missing: ${listNames(missing, 200)}` : '',
      misshapen.length > 0 ? `${misshapen.length} of another shape: ${listNames(misshapen, 200)}` : '',
      unexpected.length > 0 ? `${unexpected.length} unexpected: ${listNames(unexpected, 200)}` : '',
    ].filter((fault) => fault !== '');
    throw new ModelError('backbone-tensors', `${path} looks like ${describeSpec(spec)} but does not match it. ${faults.join('; ')}.`, {
      remedy: 'Nothing is loaded in part. Check that the file is whole and of this architecture.',
    });
  }
  if (unneeded.length > 0) notes.push(`not needed for the feature: ${listNames(unneeded, 6)}`);
  notes.push(`${describeSpec(spec)}: all ${used.size} of ${expectedTensors(spec).size} tensors found`);
  return used;
}
