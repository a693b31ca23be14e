import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { mapInOrder } from '../common/map-in-order.js';
import type { Device } from '../inference/device.js';
import type { Embedder } from '../inference/embedder.js';
import { createEmbedder, type EmbedderOptions } from '../inference/worker-embedder.js';
import type { Model } from '../models/model.js';
import { decodeStill, squashStill } from '../media/stills.js';
import { GalleryError } from '../common/errors.js';
import { nearDuplicateGroups } from './duplicates.js';
import { embedLabelled, type Copy, type NewExemplar } from './embed-labelled.js';
import type { EmbeddingCache } from './embedding-cache.js';
import { createGalleryFolder } from './gallery-folder.js';
import { openGallery, type Gallery, type OpenGalleryOptions } from './gallery.js';
import type { LabelledPicture } from './labelled-pictures.js';
import { fileOf, STATISTICS_FILE, type GalleryManifest } from './manifest.js';
import { perceptualHash } from './perceptual-hash.js';
import type { UnreadableStill } from './prepared-stills.js';
import { readThumbnail } from './thumbnails.js';
import { writeGallery, type WriteStage } from './write-gallery.js';

/** Pictures below one folder; a path that an exemplar keeps says nothing of what is above it. */
export interface PictureSource {
  readonly directory: string;
  readonly pictures: readonly LabelledPicture[];
}

export interface AddToGalleryOptions extends OpenGalleryOptions {
  /** The gallery; replaced by the larger one in one step. */
  readonly dir: string;
  readonly sources: readonly PictureSource[];
  readonly device?: Device;
  /** Embeddings of earlier runs. Default none. */
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly stage: 'embedding' | WriteStage; readonly done: number; readonly total: number }) => void;
  /** Runs models; default: a worker thread. */
  readonly createEmbedder?: (model: Model, options: EmbedderOptions) => Promise<Embedder>;
}

export interface AdditionReport {
  readonly manifest: GalleryManifest;
  readonly added: number;
  readonly unreadable: readonly UnreadableStill[];
  /** Left out: the same file is there already under the same label. */
  readonly copies: readonly Copy[];
}

/** What hashes of exemplars are made from: thumbnails, of old and new ones alike, since the pictures of the old ones are not kept. */
const HASHED = { width: 64, height: 64 } as const;
const HASHED_AT_A_TIME = 4;

/**
 * Adds labelled pictures to a gallery. Its model stays as it is, also one that was fitted on the exemplars of before, so that embeddings made
 * with the gallery stay comparable; vote, threshold, densities and index are made anew over all exemplars.
 * @throws GalleryError when the gallery is damaged, or nothing can be added; ModelError when its model is not there.
 */
export async function addToGallery(options: AddToGalleryOptions): Promise<AdditionReport> {
  const { dir, signal, onProgress } = options;
  const gallery = await openGallery(dir, options);
  const folder = await createGalleryFolder(dir);
  try {
    await cp(join(dir, 'thumbnails'), join(folder.work, 'thumbnails'), { recursive: true });
    const embedder = await (options.createEmbedder ?? createEmbedder)(gallery.model, {
      ...(options.device === undefined ? {} : { device: options.device }),
      ...(signal === undefined ? {} : { signal }),
    });
    const embedded = await embedSources(embedder, folder.work, gallery, options).finally(() => embedder.dispose());
    const { exemplars, unreadable, copies } = embedded;
    const added = exemplars.length - gallery.exemplars.length;
    if (added === 0) throw nothingNew(dir, unreadable.length, copies.length);

    const embeddings = new Float32Array(exemplars.length * gallery.model.dimension);
    let at = 0;
    for (const part of [gallery.embeddings, ...embedded.embeddings]) {
      embeddings.set(part, at);
      at += part.length;
    }
    const { vote, index, calibration, name, preprocessing } = gallery.manifest;
    const { manifest } = await writeGallery(folder, {
      name,
      model: gallery.model,
      statistics: await statisticsOf(gallery),
      fieldOfView: preprocessing.fieldOfView,
      exemplars,
      embeddings,
      grouping: nearDuplicateGroups(await hashesOf(folder.work, exemplars.length)),
      refit: null,
      k: vote.k,
      falseAcceptance: calibration?.wantedFalseAcceptance ?? 0.2,
      vote: null,
      index: index === null ? 'auto' : 'hnsw',
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    return { manifest, added, unreadable, copies };
  } finally {
    await folder.discard();
  }
}

interface EmbeddedSources {
  /** Those that were there first. */
  readonly exemplars: readonly NewExemplar[];
  /** Of the new ones, by source. */
  readonly embeddings: readonly Float32Array[];
  readonly unreadable: readonly UnreadableStill[];
  readonly copies: readonly Copy[];
}

async function embedSources(embedder: Embedder, work: string, gallery: Gallery, options: AddToGalleryOptions): Promise<EmbeddedSources> {
  const { sources, signal, onProgress } = options;
  const total = sources.reduce((sum, { pictures }) => sum + pictures.length, 0);
  const exemplars: NewExemplar[] = [...gallery.exemplars];
  const embeddings: Float32Array[] = [];
  const unreadable: UnreadableStill[] = [];
  const copies: Copy[] = [];
  let before = 0;
  for (const { directory, pictures } of sources) {
    const embedded = await embedLabelled(embedder, {
      directory,
      pictures,
      fieldOfView: gallery.manifest.preprocessing.fieldOfView,
      work,
      present: exemplars,
      ...(options.cache === undefined ? {} : { cache: options.cache }),
      ...(signal === undefined ? {} : { signal }),
      onProgress: (done) => onProgress?.({ stage: 'embedding', done: before + done, total }),
    });
    before += pictures.length;
    exemplars.push(...embedded.exemplars);
    embeddings.push(embedded.embeddings);
    unreadable.push(...embedded.unreadable);
    copies.push(...embedded.copies);
  }
  return { exemplars, embeddings, unreadable, copies };
}

async function statisticsOf({ dir, manifest }: Gallery): Promise<Uint8Array | null> {
  return manifest.model.fitted ? fileOf(dir, manifest, STATISTICS_FILE) : null;
}

async function hashesOf(work: string, count: number): Promise<Uint32Array[]> {
  const hashes: Uint32Array[] = [];
  const exemplars = Array.from({ length: count }, (_, exemplar) => exemplar);
  const hashed = mapInOrder(exemplars, HASHED_AT_A_TIME, async (exemplar) => {
    const jpeg = await readThumbnail(work, exemplar);
    if (jpeg === null || jpeg.length === 0) return null;
    const pixels = await squashStill(await decodeStill(jpeg, { name: `thumbnail ${exemplar}` }), null, HASHED);
    return perceptualHash(pixels, HASHED.width, HASHED.height);
  });
  // Without a picture nothing can be called its near-duplicate: bits of its number, spread, are like nothing else.
  for await (const hash of hashed) hashes.push(hash ?? unlike(hashes.length));
  return hashes;
}

function unlike(exemplar: number): Uint32Array {
  return Uint32Array.from({ length: 8 }, (_, word) => Math.imul(exemplar * 8 + word + 1, 0x9e3779b1) >>> 0);
}

function nothingNew(dir: string, unreadable: number, copies: number): GalleryError {
  return new GalleryError('gallery-nothing-new', `${dir}: nothing was added (${unreadable} unreadable, ${copies} there already)`, {
    remedy: 'Name pictures that the gallery does not hold yet.',
  });
}
