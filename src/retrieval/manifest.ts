import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as z from 'zod';
import { fieldOfViewSchema } from '../capture/field-of-view-schema.js';
import { GalleryError, messageOf } from '../common/errors.js';
import { fileSha256, sha256Schema } from '../common/sha256.js';
import { DEFAULT_MEASURE } from './confidence.js';

export const MANIFEST_FILE = 'gallery.json';
export const EMBEDDINGS_FILE = 'embeddings.f32';
export const EXEMPLARS_FILE = 'exemplars.ndjson';
export const STATISTICS_FILE = 'statistics.bin';
export const INDEX_FILE = 'index.hnsw';

const count = z.number().int().nonnegative();
const size = z.number().int().positive();
const share = z.number().min(0).max(1);

/** One line of `exemplars.ndjson`, in the order of the rows of `embeddings.f32`. */
export const EXEMPLAR = z.strictObject({
  /** Where the picture lay below the folder that the gallery was built from, with `/`. */
  path: z.string().min(1),
  label: z.string().min(1),
  /** Of the picture file. */
  sha256: sha256Schema,
  /** Of the picture, upright, px. */
  width: size,
  height: size,
  /** Null when the whole picture was kept. */
  fieldOfView: fieldOfViewSchema.nullable(),
  /** Exemplars with one number are near-duplicates of each other; the number is that of the first of them. */
  group: count,
  /** Mean similarity to its nearest exemplars that are neither near-duplicates of it nor, where paths name patients, of its patient. */
  density: z.number(),
  /** SHA-256 of the thumbnail. */
  thumbnail: sha256Schema,
});
export type Exemplar = z.output<typeof EXEMPLAR>;

/** One threshold of the open-set curve. In every rate each class counts alike. */
const OPERATING_POINT = z.strictObject({
  threshold: z.number(),
  /** Share of queries of a class that the gallery lacks which are taken for known. */
  falseAcceptance: share,
  /** Share of queries of a class that the gallery has which are refused. */
  loss: share,
  /** Share of right labels among the accepted queries of a class that the gallery has. */
  precision: share,
});
export type OperatingPoint = z.output<typeof OPERATING_POINT>;

/** How `known` was calibrated: leave-one-out against leave-one-class-out over the gallery itself. */
const CALIBRATION = z.strictObject({
  /** What the confidence of a match is made of, in words. */
  confidence: z.string(),
  /** The same as numbers. Galleries built before there was a choice have the default one. */
  measure: z.strictObject({ neighbours: size, densityShare: share, byClass: z.boolean() }).default(DEFAULT_MEASURE),
  /** How what is asked was kept from what answers. */
  method: z.string(),
  /** By label: how near its own pictures usually are; empty where nearness is not counted by class. Galleries built before the deviation was kept have an offset alone. */
  usual: z.record(
    z.string(),
    z.union([
      z.strictObject({ mean: z.number(), deviation: z.number().positive() }),
      z.number().transform((mean) => ({ mean, deviation: 1 })),
    ]),
  ),
  wantedFalseAcceptance: share,
  /** The point that serves. */
  chosen: OPERATING_POINT,
  /** Queries with their class in the gallery; near-duplicates, and pictures of the same patient where paths name patients, removed. */
  knownQueries: count,
  /** The same queries with their class removed. */
  unknownQueries: count,
  /** Area under the ROC curve of known against unknown, each class counted alike. */
  auroc: share,
  curve: z.array(OPERATING_POINT),
  /**
   * By label: share of the queries of a class that the gallery has which are refused at the chosen threshold; small classes drawn towards the
   * loss of all. Galleries built before it was kept have none.
   */
  lossOf: z.record(z.string(), share).optional(),
});
export type Calibration = z.output<typeof CALIBRATION>;

const HNSW = z.strictObject({
  space: z.literal('ip'),
  dimension: size,
  count: size,
  links: size,
  candidatesAtBuild: size,
  seed: count,
  /** Candidates kept while searching. */
  candidates: size,
  /** Share of the exact k nearest that it finds. */
  recall: share,
  k: size,
  queries: count,
});
export type HnswRecord = z.output<typeof HNSW>;

export const MANIFEST = z.strictObject({
  format: z.literal('lumenmark-gallery'),
  version: z.literal(1),
  name: z.string().min(1),
  /** Software and version that built it. */
  software: z.string(),
  builtAt: z.iso.datetime(),
  model: z.strictObject({
    name: z.string(),
    fingerprint: z.string(),
    dimension: size,
    input: z.strictObject({ width: size, height: size }),
    /** Whether `statistics.bin` completes the model. */
    fitted: z.boolean(),
  }),
  preprocessing: z.strictObject({
    /** `auto`, `none` or `WxH+X+Y`. */
    fieldOfView: z.string(),
    resize: z.literal('squash, bilinear, antialiased'),
  }),
  exemplars: size,
  labels: z.array(z.strictObject({ id: z.string().min(1), exemplars: size })),
  vote: z.strictObject({ k: size, temperature: z.number().positive(), priorExponent: share }),
  /** Null when the gallery is too small to calibrate: everything is then known. */
  calibration: CALIBRATION.nullable(),
  index: HNSW.nullable(),
  /** The other files of the gallery that must be there, thumbnails apart. */
  files: z.record(z.string(), z.strictObject({ bytes: count, sha256: sha256Schema })),
});
export type GalleryManifest = z.output<typeof MANIFEST>;

/** @throws GalleryError when it is missing, damaged or of another version. */
export async function readManifest(dir: string): Promise<GalleryManifest> {
  const file = join(dir, MANIFEST_FILE);
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw new GalleryError('gallery-missing', `${dir}: is no gallery (${MANIFEST_FILE} cannot be read)`, {
      remedy: 'Build one: lumenmark gallery build DIR --out GALLERY.',
      cause: error,
    });
  });
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw damaged(dir, `${MANIFEST_FILE} is no JSON: ${messageOf(error)}`, error);
  }
  const format = z.looseObject({ format: z.literal('lumenmark-gallery'), version: z.number() }).safeParse(value);
  if (format.success && format.data.version !== 1) {
    throw new GalleryError('gallery-version', `${dir}: has format version ${format.data.version}, this software reads version 1`, {
      remedy: 'Build the gallery again, or use the software that made it.',
    });
  }
  const parsed = MANIFEST.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw damaged(dir, `${MANIFEST_FILE}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not valid'}`, parsed.error);
}

/** @throws GalleryError when the file is not what the manifest says. */
export async function checkFile(dir: string, manifest: GalleryManifest, name: string): Promise<void> {
  const entry = manifest.files[name];
  if (entry === undefined) throw damaged(dir, `${MANIFEST_FILE} does not tell the hash of ${name}`);
  const hash = await fileSha256(join(dir, name)).catch((error: unknown) => {
    throw damaged(dir, `${name} cannot be read`, error);
  });
  if (hash !== entry.sha256) throw damaged(dir, `${name} is not the file that was written`);
}

/** The bytes of a file of the gallery. @throws GalleryError when they are not what the manifest says. */
export async function fileOf(dir: string, manifest: GalleryManifest, name: string): Promise<Uint8Array<ArrayBuffer>> {
  await checkFile(dir, manifest, name);
  return new Uint8Array(await readFile(join(dir, name)));
}

export function damaged(dir: string, why: string, cause?: unknown): GalleryError {
  return new GalleryError('gallery-damaged', `${dir}: is damaged (${why})`, {
    remedy: 'Build the gallery again, or copy it again from where it came.',
    cause,
  });
}
