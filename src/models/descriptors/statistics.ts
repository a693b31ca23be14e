import { ModelError } from '../../common/errors.js';
import type { Whitening } from './whitening.js';

const MAGIC = 'lumenmark-statistics-1\n';

/** Statistics of a fitted model as bytes: a line that names the format, a line of JSON, then mean and matrix of each backbone as float32. */
export function encodeStatistics(base: string, whitenings: Readonly<Record<string, Whitening>>): Uint8Array<ArrayBuffer> {
  const entries = Object.entries(whitenings);
  const backbones = entries.map(([name, { inputs, outputs }]) => ({ name, inputs, outputs }));
  let header = `${MAGIC}${JSON.stringify({ base, backbones })}`;
  // Padded, so that the numbers behind it stand on multiples of four bytes.
  header += ' '.repeat((4 - ((header.length + 1) % 4)) % 4) + '\n';
  const numbers = entries.reduce((total, [, { mean, matrix }]) => total + mean.length + matrix.length, 0);
  const bytes = new Uint8Array(header.length + numbers * 4);
  bytes.set(new TextEncoder().encode(header));
  const values = new Float32Array(bytes.buffer, header.length);
  let offset = 0;
  for (const [, { mean, matrix }] of entries) {
    values.set(mean, offset);
    values.set(matrix, offset + mean.length);
    offset += mean.length + matrix.length;
  }
  return bytes;
}

/** @throws ModelError `statistics-foreign` when the bytes are not statistics of `base` with these backbones. */
export function decodeStatistics(
  base: string,
  backbones: Readonly<Record<string, number>>,
  bytes: Uint8Array,
): Readonly<Record<string, Whitening>> {
  const start = MAGIC.length;
  const end = bytes.indexOf(10, start);
  const text = new TextDecoder().decode(bytes.subarray(0, Math.max(end, 0)));
  if (end < 0 || !text.startsWith(MAGIC)) throw foreign('they are not statistics of a model at all');
  const header = parseHeader(text.slice(start));
  if (header.base !== base) throw foreign('they were fitted for another version of the model');
  const values = new Float32Array(bytes.slice(end + 1, bytes.length - ((bytes.length - end - 1) % 4)).buffer);
  let offset = 0;
  const take = (length: number): Float32Array => {
    const part = values.slice(offset, offset + length);
    if (part.length !== length || !part.every(Number.isFinite)) throw foreign('they are cut short or hold no numbers');
    offset += length;
    return part;
  };
  const whitenings = header.backbones.map(({ name, inputs, outputs }): [string, Whitening] => {
    if (backbones[name] !== inputs) throw foreign(`backbone ${name} differs`);
    return [name, { inputs, outputs, mean: take(inputs), matrix: take(inputs * outputs) }];
  });
  if (whitenings.length !== Object.keys(backbones).length || offset !== values.length)
    throw foreign('they do not cover the backbones of the model');
  return Object.fromEntries(whitenings);
}

interface Header {
  readonly base: string;
  readonly backbones: readonly { readonly name: string; readonly inputs: number; readonly outputs: number }[];
}

function parseHeader(text: string): Header {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw foreign('their header is damaged', error);
  }
  if (typeof value !== 'object' || value === null || !('base' in value) || !('backbones' in value) || !Array.isArray(value.backbones)) {
    throw foreign('their header is damaged');
  }
  const backbones = value.backbones.map((entry: unknown) => {
    const { name, inputs, outputs } = (entry ?? {}) as Record<string, unknown>;
    if (typeof name !== 'string' || !isCount(inputs) || !isCount(outputs)) throw foreign('their header is damaged');
    return { name, inputs, outputs };
  });
  return { base: String(value.base), backbones };
}

function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value < 2 ** 20;
}

function foreign(why: string, cause?: unknown): ModelError {
  return new ModelError('statistics-foreign', `The statistics do not belong to the descriptors model: ${why}.`, {
    cause,
    remedy: 'Build the gallery again with this version.',
  });
}
