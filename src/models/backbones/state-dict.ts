import { ModelError } from '../../common/errors.js';
import { isMap, isTensor, type CheckpointTensor, type CheckpointValue, type TensorFile } from '../checkpoint/tensor.js';

export type TensorMap = ReadonlyMap<string, CheckpointTensor>;

/** The weights of one network, taken out of whatever a training run has wrapped around them. */
export interface StateDict {
  readonly tensors: TensorMap;
  /** What was chosen and what was left aside, one line each, for the report. */
  readonly notes: readonly string[];
}

/** Keys under which training runs keep the weights, the wanted one first: the teacher is the network that DINO publishes. */
const WRAPPERS = ['teacher', 'state_dict', 'model', 'model_state_dict', 'module', 'net', 'weights'];

/**
 * Descends into a training checkpoint as far as the tensors of one run.
 *
 * @throws ModelError `checkpoint-without-weights`
 */
export function unwrapStateDict(file: TensorFile): StateDict {
  const notes: string[] = [];
  const path: string[] = [];
  let value: CheckpointValue = file.root;
  while (isMap(value)) {
    const found: string | undefined = WRAPPERS.find((key) => holdsTensors(isMap(value) ? value.get(key) : undefined, 0));
    if (found === undefined) break;
    const map: ReadonlyMap<unknown, CheckpointValue> = value;
    const others = [...map.keys()].filter((key) => key !== found).map(String);
    path.push(found);
    notes.push(`took \`${path.join('.')}\`${others.length > 0 ? `, left aside ${others.map((key) => `\`${key}\``).join(', ')}` : ''}`);
    value = map.get(found) ?? null;
  }
  const tensors = new Map<string, CheckpointTensor>();
  if (isMap(value)) {
    for (const [key, entry] of value) {
      if (typeof key === 'string' && isTensor(entry)) tensors.set(key, { ...entry, name: key, read: () => entry.read() });
    }
  }
  if (tensors.size === 0) {
    throw new ModelError('checkpoint-without-weights', `${file.path} holds no named tensors${keysOf(value)}.`, {
      remedy: `Save the state dict itself, or under one of ${WRAPPERS.join(', ')}.`,
    });
  }
  return { tensors, notes };
}

function holdsTensors(value: CheckpointValue | undefined, depth: number): boolean {
  if (value === undefined || !isMap(value) || depth > 3) return false;
  return [...value.values()].some((entry) => isTensor(entry) || holdsTensors(entry, depth + 1));
}

function keysOf(value: CheckpointValue): string {
  return isMap(value) && value.size > 0 ? ` (only ${[...value.keys()].slice(0, 10).map(String).join(', ')})` : '';
}

/** What marks the root of a network among the names of a state dict. */
const ANCHORS = /^(?<prefix>.*?)(?:cls_token|embeddings\.cls_token|conv1\.weight|embedder\.embedder\.convolution\.weight)$/;

/** Copies of the network that a training run keeps beside the wanted one. */
const UNWANTED_COPY = /(^|\.)(student|encoder_k|momentum_encoder|encoder_momentum|momentum|target|ema_student)\./;
const WANTED_COPY = /(^|\.)(teacher|encoder_q|ema)\./;

/** Heads of pre-training and classification, which the feature does not pass through. */
const HEAD =
  /(^|\.)(head|heads|dino_head|ibot_head|fc|classifier|projector|projection|projection_head|predictor|prototypes|pooler|contrastive_head|linear_head|queue|queue_ptr|dino_loss|ibot_patch_loss|loss|dino_loss\.center|center)(\.|$)/;

/**
 * Finds the one backbone in a state dict and strips the prefix of its names (`module.`, `backbone.`, `model.`, `teacher.` …).
 * Whatever stands outside that prefix must be a head or another copy of the network.
 *
 * @throws ModelError `backbone-not-found`, `backbone-ambiguous`, `backbone-tensors`
 */
export function selectBackbone(tensors: TensorMap, path: string): StateDict {
  const prefixes = backbonePrefixes(tensors);
  if (prefixes.length === 0) {
    throw new ModelError(
      'backbone-not-found',
      `${path} holds no backbone that is known here. Its tensors: ${listNames([...tensors.keys()], 12)}.`,
      {
        remedy: 'Known are DINOv2 and DINO vision transformers and ResNet-50, in the names of the original code or of Hugging Face.',
      },
    );
  }
  const rank = (prefix: string): number => (UNWANTED_COPY.test(prefix) ? 2 : WANTED_COPY.test(prefix) ? 0 : 1);
  const best = Math.min(...prefixes.map(rank));
  const wanted = prefixes.filter((prefix) => rank(prefix) === best);
  const [prefix] = wanted;
  if (prefix === undefined || wanted.length > 1) {
    throw new ModelError(
      'backbone-ambiguous',
      `${path} holds ${wanted.length} backbones: ${wanted.map((name) => `\`${name}*\``).join(', ')}.`,
      {
        remedy: 'Save the one that you mean as a file of its own.',
      },
    );
  }
  const others = prefixes.filter((other) => other !== prefix);
  const chosen = new Map<string, CheckpointTensor>();
  const aside: string[] = [];
  const unknown: string[] = [];
  for (const [name, tensor] of tensors) {
    if (name.startsWith(prefix) && !others.some((other) => other.length > prefix.length && name.startsWith(other))) {
      chosen.set(name.slice(prefix.length), tensor);
    } else if (HEAD.test(name) || others.some((other) => other !== '' && name.startsWith(other))) aside.push(name);
    else unknown.push(name);
  }
  if (unknown.length > 0) throw unexpectedTensors(path, unknown);
  const notes = prefix === '' ? [] : [`took the tensors under \`${prefix}\``];
  if (aside.length > 0) notes.push(`left aside ${listNames(aside, 6)}`);
  return { tensors: chosen, notes };
}

function backbonePrefixes(tensors: TensorMap): string[] {
  const prefixes = new Set<string>();
  for (const name of tensors.keys()) {
    const prefix = ANCHORS.exec(name)?.groups?.['prefix'];
    if (prefix === undefined) continue;
    // `conv1.weight` also stands inside every residual block; the stem is the one that has layers beside it.
    if (name.endsWith('conv1.weight') && !tensors.has(`${prefix}layer1.0.conv1.weight`)) continue;
    prefixes.add(prefix);
  }
  return [...prefixes];
}

/** Tensors inside a backbone that its feature does not need. */
export function isUnneeded(name: string): boolean {
  return /(^|\.)(mask_token|position_ids|num_batches_tracked)$/.test(name) || HEAD.test(name);
}

function unexpectedTensors(path: string, names: readonly string[]): ModelError {
  return new ModelError('backbone-tensors', `${path} holds ${names.length} tensors that nothing here uses: ${listNames(names, 200)}.`, {
    remedy:
      'The file is of another architecture, or of several networks. Nothing is loaded in part: save the backbone alone and try again.',
  });
}

export function listNames(names: readonly string[], most: number): string {
  const shown = names.slice(0, most).join(', ');
  return names.length > most ? `${shown} and ${names.length - most} more` : shown;
}
