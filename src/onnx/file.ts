import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { messageOf, ModelError } from '../common/errors.js';
import { decodeModel } from './decode.js';
import { encodeModelChunks, type EncodeOptions, type ExternalPlace } from './encode.js';
import type { Initializer, OnnxModel } from './graph.js';

/** Protocol Buffers messages end at 2 GiB; what is larger keeps its weights in a second file. */
const LARGEST_FILE = 2 ** 31 - 2 ** 20;
const EXTERNAL_FROM_BYTES = 1024;
/** onnxruntime maps external data into memory, which wants whole pages. */
const ALIGNMENT = 4096;

/**
 * Reads an ONNX file together with the data files beside it.
 *
 * @throws ModelError `onnx-damaged`, `onnx-external` when a data file is missing or lies outside the model's folder.
 */
export async function readModel(path: string): Promise<OnnxModel> {
  const bytes = await readFile(path);
  return decodeModel(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength), {
    external: (location, offset, byteLength) => readExternal(path, location, offset, byteLength),
  });
}

/** Writes an ONNX file, and `PATH.data` beside it for the weights where one file cannot hold them or `externalData` asks for it. */
export function writeModel(path: string, model: OnnxModel, options: { readonly externalData?: boolean } = {}): void {
  const weightBytes = [...model.graph.initializers.values()].reduce((total, { data }) => total + data.byteLength, 0);
  if (options.externalData !== true && weightBytes < LARGEST_FILE) {
    writeChunks(path, encodeModelChunks(model));
    return;
  }
  const places = new Map<Initializer, ExternalPlace>();
  let offset = 0;
  const location = `${basename(path)}.data`;
  for (const initializer of model.graph.initializers.values()) {
    if (initializer.data.byteLength < EXTERNAL_FROM_BYTES || initializer.type === 'string') continue;
    places.set(initializer, { location, offset });
    offset = Math.ceil((offset + initializer.data.byteLength) / ALIGNMENT) * ALIGNMENT;
  }
  const external: EncodeOptions['external'] = (initializer) => places.get(initializer) ?? null;
  writeChunks(path, encodeModelChunks(model, { external }));
  writeChunks(
    join(dirname(path), location),
    [...places.keys()].flatMap(({ data }) => [data, new Uint8Array((ALIGNMENT - (data.byteLength % ALIGNMENT)) % ALIGNMENT)]),
  );
}

function writeChunks(path: string, chunks: readonly Uint8Array[]): void {
  const file = openSync(path, 'w');
  try {
    for (const chunk of chunks) {
      // One write call takes at most 2 GiB and may take less than it is given.
      for (let offset = 0; offset < chunk.byteLength;)
        offset += writeSync(file, chunk, offset, Math.min(chunk.byteLength - offset, 2 ** 30));
    }
  } finally {
    closeSync(file);
  }
}

function readExternal(modelPath: string, location: string, offset: number, byteLength: number): Uint8Array {
  const relative = normalize(location);
  if (location === '' || isAbsolute(relative) || relative.split(sep).includes('..')) {
    throw new ModelError('onnx-external', `${modelPath} asks for a data file outside its folder (${location}).`, {
      remedy: 'Export the model again with its data beside it; a file that reaches elsewhere is not opened.',
    });
  }
  const path = join(dirname(modelPath), relative);
  const data = new Uint8Array(byteLength);
  try {
    const file = openSync(path, 'r');
    try {
      for (let read = 0; read < byteLength;) {
        const count = readSync(file, data, read, Math.min(byteLength - read, 2 ** 30), offset + read);
        if (count === 0) throw new Error(`it ends ${String(byteLength - read)} bytes too early`);
        read += count;
      }
    } finally {
      closeSync(file);
    }
  } catch (error) {
    throw new ModelError('onnx-external', `Cannot read ${path}, which holds weights of ${modelPath}: ${messageOf(error)}.`, {
      cause: error,
      remedy: 'Put the data file beside the model file under the name that it was exported with.',
    });
  }
  return data;
}
