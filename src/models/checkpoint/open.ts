import { ModelError } from '../../common/errors.js';
import { readPytorch } from './pytorch.js';
import { openRandomAccess, type RandomAccess } from './random-access.js';
import { readSafetensors } from './safetensors.js';
import type { TensorFile } from './tensor.js';

export type FileKind = 'pytorch' | 'safetensors' | 'onnx' | 'pytorch-legacy' | 'unknown';

/** Tells the kind of a file by its first bytes; names do not matter. */
function sniffKind(head: Uint8Array): FileKind {
  const starts = (...bytes: number[]): boolean => bytes.every((byte, index) => head[index] === byte);
  if (starts(0x50, 0x4b, 0x03, 0x04)) return 'pytorch';
  // A pickle of PyTorch's magic number 0x1950a86a20f9469cfc6c, the first of several pickles.
  if (starts(0x80, 0x02, 0x8a, 0x0a, 0x6c, 0xfc)) return 'pytorch-legacy';
  if (head.byteLength > 8 && head[8] === 0x7b && head[7] === 0) return 'safetensors';
  // ModelProto starts with ir_version (field 1, a small number) followed by the producer or the graph.
  if (head[0] === 0x08 && (head[1] ?? 0) < 32 && [0x12, 0x1a, 0x22, 0x28, 0x32, 0x3a, 0x42].includes(head[2] ?? 0)) return 'onnx';
  return 'unknown';
}

/** The kind of the file at `path`. @throws ModelError `checkpoint-unreadable` */
export async function fileKind(path: string): Promise<FileKind> {
  const file = await openRandomAccess(path);
  try {
    return sniffKind(await file.read(0, Math.min(16, file.byteLength)));
  } finally {
    await file.close();
  }
}

/**
 * Opens a PyTorch or safetensors checkpoint. Nothing but its table of contents is read.
 *
 * @throws ModelError `checkpoint-unreadable`, `checkpoint-damaged`, `checkpoint-legacy`, `checkpoint-unknown`, `checkpoint-unsafe`
 */
export async function openCheckpoint(path: string): Promise<TensorFile> {
  const file = await openRandomAccess(path);
  try {
    return await readKind(file, sniffKind(await file.read(0, Math.min(16, file.byteLength))));
  } catch (error) {
    await file.close();
    throw error;
  }
}

async function readKind(file: RandomAccess, kind: FileKind): Promise<TensorFile> {
  switch (kind) {
    case 'pytorch':
      return readPytorch(file);
    case 'safetensors':
      return readSafetensors(file);
    case 'pytorch-legacy':
      throw new ModelError('checkpoint-legacy', `${file.path} is in the format of PyTorch before 1.6.`, {
        remedy: "Save it again in the current one: in Python, torch.save(torch.load(FILE, map_location='cpu'), OUT).",
      });
    case 'onnx':
    case 'unknown':
      throw new ModelError(
        'checkpoint-unknown',
        `${file.path} is neither a PyTorch checkpoint (.pth) nor .safetensors${file.byteLength === 0 ? '; it is empty' : ''}.`,
        {
          remedy:
            'Give the weights as .pth, .safetensors or .onnx. An error page saved by a download is a common cause: look into the file.',
        },
      );
  }
}
