import { ModelError } from '../../common/errors.js';
import type { TensorView } from './pickle/items.js';
import { unpickle } from './pickle/unpickle.js';
import type { RandomAccess } from './random-access.js';
import { BYTES_PER_ELEMENT, damagedCheckpoint, sizeOf, toFloat32, type CheckpointTensor, type TensorFile } from './tensor.js';
import { readZipDirectory, type ZipEntry } from './zip.js';

const LARGEST_PICKLE = 2 ** 28;

/**
 * A checkpoint as `torch.save` writes it since PyTorch 1.6: a zip archive with a pickle of the structure and one entry per storage.
 * Source: torch/serialization.py.
 *
 * @throws ModelError `checkpoint-damaged`, `checkpoint-unsafe`, `checkpoint-torchscript`, `checkpoint-big-endian`
 */
export async function readPytorch(file: RandomAccess): Promise<TensorFile> {
  const entries = await readZipDirectory(file);
  const pickle = [...entries.values()].find((entry) => entry.name === 'data.pkl' || /^[^/]+\/data\.pkl$/.test(entry.name));
  if (pickle === undefined) throw damagedCheckpoint(file.path, 'it is a zip archive without data.pkl, so not a PyTorch checkpoint');
  const folder = pickle.name.slice(0, -'data.pkl'.length);
  if (entries.has(`${folder}constants.pkl`)) {
    throw new ModelError('checkpoint-torchscript', `${file.path} is a TorchScript program, not a checkpoint.`, {
      remedy: 'Save its weights alone: in Python, torch.save(torch.jit.load(FILE).state_dict(), OUT).',
    });
  }
  await refuseBigEndian(file, entries.get(`${folder}byteorder`));
  if (pickle.byteLength > LARGEST_PICKLE) throw damagedCheckpoint(file.path, 'its pickle is implausibly large');
  const bytes = await file.read(await pickle.dataOffset(), pickle.byteLength);
  const root = unpickle(bytes, {
    path: file.path,
    tensor: (view) => tensorOf(file, entries.get(`${folder}data/${view.storage.key}`), view),
  });
  return { path: file.path, format: 'pytorch', root, close: () => file.close() };
}

async function refuseBigEndian(file: RandomAccess, entry: ZipEntry | undefined): Promise<void> {
  if (entry === undefined || entry.byteLength > 16) return;
  const order = new TextDecoder().decode(await file.read(await entry.dataOffset(), entry.byteLength));
  if (order === 'little') return;
  throw new ModelError('checkpoint-big-endian', `${file.path} was written on a big-endian machine.`, {
    remedy: 'Load and save it again with PyTorch on an ordinary PC.',
  });
}

function tensorOf(file: RandomAccess, entry: ZipEntry | undefined, view: TensorView): CheckpointTensor {
  const { storage, type, shape, strides, offset } = view;
  if (entry === undefined) throw damagedCheckpoint(file.path, `storage ${storage.key} is missing`);
  const width = BYTES_PER_ELEMENT[type];
  const count = sizeOf(shape);
  // The last element that the view touches, by its strides.
  const reach = count === 0 ? 0 : shape.reduce((last, length, axis) => last + (length - 1) * (strides[axis] ?? 0), offset) + 1;
  if (!Number.isSafeInteger(count) || reach * width > entry.byteLength) {
    throw damagedCheckpoint(file.path, `a tensor of shape [${shape.join(', ')}] reaches beyond its storage ${storage.key}`);
  }
  return {
    name: '',
    type,
    shape,
    async read() {
      if (count === 0) return new Float32Array();
      const start = (await entry.dataOffset()) + offset * width;
      const elements = toFloat32(type, await file.read(start, (reach - offset) * width));
      return isRowMajor(shape, strides) ? elements : gather(elements, shape, strides);
    },
  };
}

function isRowMajor(shape: readonly number[], strides: readonly number[]): boolean {
  let expected = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    const length = shape[axis] ?? 1;
    if (length !== 1 && strides[axis] !== expected) return false;
    expected *= length;
  }
  return true;
}

/** Copies a strided view (a transposed or expanded tensor, say) into row-major order. */
function gather(elements: Float32Array, shape: readonly number[], strides: readonly number[]): Float32Array<ArrayBuffer> {
  const result = new Float32Array(sizeOf(shape));
  const position = new Array<number>(shape.length).fill(0);
  let source = 0;
  for (let index = 0; index < result.length; index++) {
    result[index] = elements[source] ?? 0;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const next = (position[axis] ?? 0) + 1;
      const stride = strides[axis] ?? 0;
      source += stride;
      if (next < (shape[axis] ?? 1)) {
        position[axis] = next;
        break;
      }
      source -= next * stride;
      position[axis] = 0;
    }
  }
  return result;
}
