import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { QualityMeasures } from '../inference/embedder.js';
import { EXEMPLAR } from './manifest.js';

/** What a model and the way to its pixels make of one picture file. */
export interface EmbeddingEntry {
  /** Upright, px. */
  readonly width: number;
  readonly height: number;
  readonly fieldOfView: z.output<typeof EXEMPLAR>['fieldOfView'];
  /** Of the squashed pixels; see `perceptualHash`. */
  readonly hash: Uint32Array;
  readonly embedding: Float32Array;
  readonly quality: QualityMeasures | null;
  /** By backbone; empty when they were not asked for. */
  readonly features: Readonly<Record<string, Float32Array>>;
  /** JPEG of the field of view; null when it was not asked for. */
  readonly thumbnail: Uint8Array | null;
}

const MAGIC = 'LMEMBED1';
const CHECKSUM_BYTES = 32;

const HEADER = z.object({
  width: z.number().int().positive(),
  height: z.number().int().positive(),
  fieldOfView: EXEMPLAR.shape.fieldOfView,
  hash: z.array(z.number().int().nonnegative()),
  quality: z
    .object({
      luminance: z.number(),
      litShare: z.number(),
      glareShare: z.number(),
      sharpness: z.number(),
      redness: z.number(),
      saturation: z.number(),
      contrast: z.number(),
    })
    .nullable(),
  /** Lengths in float32; the embedding first. */
  vectors: z.array(z.tuple([z.string(), z.number().int().nonnegative()])),
  thumbnailBytes: z.number().int().nonnegative().nullable(),
});

/** One entry as bytes: magic, length of a JSON header, header, float32 vectors, thumbnail, SHA-256 of all that. Little-endian. */
export function encodeEntry(entry: EmbeddingEntry): Uint8Array {
  const vectors: [string, Float32Array][] = [['', entry.embedding], ...Object.entries(entry.features)];
  const header = Buffer.from(
    JSON.stringify({
      width: entry.width,
      height: entry.height,
      fieldOfView: entry.fieldOfView,
      hash: [...entry.hash],
      quality: entry.quality,
      vectors: vectors.map(([name, values]) => [name, values.length]),
      thumbnailBytes: entry.thumbnail?.length ?? null,
    } satisfies z.input<typeof HEADER>),
  );
  const length = Buffer.alloc(4);
  length.writeUInt32LE(header.length);
  const parts = [
    Buffer.from(MAGIC),
    length,
    header,
    ...vectors.map(([, values]) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength)),
    entry.thumbnail ?? new Uint8Array(),
  ];
  const body = Buffer.concat(parts);
  return Buffer.concat([body, createHash('sha256').update(body).digest()]);
}

/** The entry, or null when the bytes are not exactly what `encodeEntry` wrote: truncated, damaged, of another version. */
export function decodeEntry(bytes: Uint8Array): EmbeddingEntry | null {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const body = file.subarray(0, -CHECKSUM_BYTES);
  if (file.length < MAGIC.length + 4 + CHECKSUM_BYTES || body.toString('latin1', 0, MAGIC.length) !== MAGIC) return null;
  if (!createHash('sha256').update(body).digest().equals(file.subarray(-CHECKSUM_BYTES))) return null;
  const headerEnd = MAGIC.length + 4 + body.readUInt32LE(MAGIC.length);
  const { success, data: header } = HEADER.safeParse(JSON.parse(body.toString('utf8', MAGIC.length + 4, headerEnd)));
  if (!success) return null;

  let at = headerEnd;
  const take = (length: number): Uint8Array<ArrayBuffer> => {
    const part = new Uint8Array(body.subarray(at, at + length));
    at += length;
    return part;
  };
  const vectors = header.vectors.map(([name, length]) => [name, new Float32Array(take(length * 4).buffer)] as const);
  const [first, ...features] = vectors;
  if (first === undefined) return null;
  return {
    width: header.width,
    height: header.height,
    fieldOfView: header.fieldOfView,
    hash: Uint32Array.from(header.hash),
    embedding: first[1],
    quality: header.quality,
    features: Object.fromEntries(features),
    thumbnail: header.thumbnailBytes === null ? null : take(header.thumbnailBytes),
  };
}
