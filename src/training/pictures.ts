import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { z } from 'zod';
import { messageOf, UsageError } from '../common/errors.js';
import { mapInOrder } from '../common/map-in-order.js';
import { listLabelledPictures, type LabelledPicture } from '../retrieval/labelled-pictures.js';
import { perceptualHash } from '../retrieval/perceptual-hash.js';
import { prepareStill, type UnreadableStill } from '../retrieval/prepared-stills.js';
import type { FieldOfViewMode } from '../retrieval/still-pixels.js';
import { RowFile } from './row-file.js';

/** Pictures decoded at a time. */
const PREPARE_CONCURRENCY = Math.max(2, availableParallelism());

/** Labelled pictures of a model's size, in one order. */
export interface Pictures {
  readonly names: readonly string[];
  readonly labels: readonly string[];
  /** Width by height of the field of view before it was squashed. */
  readonly aspects: readonly number[];
  readonly hashes: readonly Uint32Array[];
  readonly pixels: RowFile;
  readonly size: number;
  /** SHA-256 over names, labels and files: a run is resumed on the same pictures only. */
  readonly identity: string;
  readonly unreadable: readonly UnreadableStill[];
  /** Files left out because the same file is there already under the same label. */
  readonly copies: readonly string[];
}

export interface ReadPicturesOptions {
  /** Side of a picture, px. */
  readonly size: number;
  readonly fieldOfView: FieldOfViewMode;
  readonly keepLabels: boolean;
  /** Where the decoded pictures are put. */
  readonly file: string;
  /** Keeps only the pictures for which it holds. */
  readonly keep?: (picture: LabelledPicture) => boolean;
  /** Leaves out labels with fewer pictures; default 1. */
  readonly minPictures?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Decodes a folder of pictures, a folder per label, into one file; several at a time, in an order that depends on the names alone.
 *
 * @throws GalleryError when the folder cannot be listed; ModelError `disk-full`
 */
export async function readPictures(directory: string, options: ReadPicturesOptions): Promise<Pictures> {
  const { size, signal } = options;
  const listing = await listLabelledPictures(directory, { keepLabels: options.keepLabels });
  const counts = new Map<string, number>();
  for (const { label } of listing.pictures) counts.set(label, (counts.get(label) ?? 0) + 1);
  const wanted = listing.pictures.filter(
    (picture) => (counts.get(picture.label) ?? 0) >= (options.minPictures ?? 1) && (options.keep?.(picture) ?? true),
  );
  const pixels = await RowFile.create(options.file, size * size * 3);
  const [names, labels, aspects, hashes]: [string[], string[], number[], Uint32Array[]] = [[], [], [], []];
  const [unreadable, copies]: [UnreadableStill[], string[]] = [[], []];
  const seen = new Set<string>();
  const identity = createHash('sha256');
  let done = 0;
  try {
    const prepared = mapInOrder(wanted, PREPARE_CONCURRENCY, async ({ path, label }) => ({
      label,
      still: await prepareStill(directory, path, {
        size: { width: size, height: size },
        fieldOfView: options.fieldOfView,
        thumbnail: false,
        ...(signal === undefined ? {} : { signal }),
      }),
    }));
    for await (const { label, still } of prepared) {
      signal?.throwIfAborted();
      options.onProgress?.(++done, wanted.length);
      if ('reason' in still) unreadable.push(still);
      else if (seen.has(`${still.sha256} ${label}`)) copies.push(still.path);
      else {
        seen.add(`${still.sha256} ${label}`);
        await pixels.append(still.pixels);
        names.push(still.path);
        labels.push(label);
        const { width, height } = still.fieldOfView ?? still;
        aspects.push(width / height);
        hashes.push(perceptualHash(still.pixels, size, size));
        identity.update(`${still.path}\n${label}\n${still.sha256}\n`);
      }
    }
  } catch (error) {
    await pixels.close();
    throw error;
  }
  return { names, labels, aspects, hashes, pixels, size, identity: identity.digest('hex'), unreadable, copies };
}

const labelsSchema = z.array(z.union([z.string(), z.number()]).transform(String));
const labelsFileSchema = z.union([
  labelsSchema.transform((labels): LabelsFile => ({ labels, names: null })),
  z
    .looseObject({ labels: labelsSchema, names: z.array(z.string()).nullable().default(null) })
    .transform(({ labels, names }): LabelsFile => ({ labels, names })),
]);

interface LabelsFile {
  readonly labels: readonly string[];
  readonly names: readonly string[] | null;
}

/**
 * Takes raw pixels `[count, size, size, 3]` as they are. `labelsFile` is a JSON list of labels, or an object with such a list as `labels` and,
 * if wanted, one of `names`, by which the pictures are grouped.
 *
 * @throws ModelError `training-pixels`; UsageError `training-labels`
 */
export async function readRawPictures(file: string, labelsFile: string, size: number): Promise<Pictures> {
  const { labels, names: given } = await readLabels(labelsFile);
  const names = given ?? labels.map((_, row) => `${file}#${row}`);
  const pixels = await RowFile.open(file, size * size * 3);
  if (pixels.count !== labels.length || names.length !== labels.length) {
    await pixels.close();
    throw new UsageError('training-labels', `${file} holds ${pixels.count} pictures, ${labelsFile} ${labels.length} labels.`, {
      remedy: 'Give one label for each picture, and the size of the pictures with --width and --height.',
    });
  }
  const identity = createHash('sha256').update(JSON.stringify(labels));
  const hashes: Uint32Array[] = [];
  for (let row = 0; row < pixels.count; row++) {
    const picture = await pixels.read([row]);
    identity.update(picture);
    hashes.push(perceptualHash(picture, size, size));
  }
  return {
    names,
    labels,
    aspects: labels.map(() => 1),
    hashes,
    pixels,
    size,
    identity: identity.digest('hex'),
    unreadable: [],
    copies: [],
  };
}

async function readLabels(file: string): Promise<LabelsFile> {
  try {
    return labelsFileSchema.parse(JSON.parse(await readFile(file, 'utf8')));
  } catch (error) {
    throw new UsageError('training-labels', `${file} is no list of labels (${messageOf(error).split('\n', 1)[0] ?? ''}).`, {
      remedy: 'It must be JSON: ["antrum", "pylorus", …], or {"labels": […]}.',
      cause: error,
    });
  }
}
