import { mkdir, writeFile, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { GalleryError } from '../common/errors.js';
import { classInfo, type ClassKind } from '../common/landmarks.js';
import { mapInOrder } from '../common/map-in-order.js';
import { version } from '../common/version.js';
import type { Device } from '../inference/device.js';
import type { Embedder } from '../inference/embedder.js';
import { createEmbedder, type EmbedderOptions } from '../inference/worker-embedder.js';
import type { FittableModel, Model } from '../models/model.js';
import { calibrate } from './calibrate.js';
import { duplicateGroups, nearDuplicateGroups, type DuplicateGroup } from './duplicates.js';
import { embedPictures, PREPARE_CONCURRENCY } from './embed-pictures.js';
import { createGalleryFolder } from './gallery-folder.js';
import type { IndexChoice } from './gallery.js';
import { HNSW_DEFAULTS, loadHnsw } from './hnsw.js';
import { buildHnswFile } from './hnsw-build.js';
import { listLabelledPictures, type LabelFolder, type LabelledPicture } from './labelled-pictures.js';
import * as manifestFiles from './manifest.js';
import type { Calibration, Exemplar, GalleryManifest, HnswRecord } from './manifest.js';
import { perceptualHash } from './perceptual-hash.js';
import { PixelSpool } from './pixel-spool.js';
import { prepareStill, type PreparedStill, type UnreadableStill } from './prepared-stills.js';
import { checkFieldOfViewMode, type FieldOfViewMode } from './still-pixels.js';
import { thumbnailPath } from './thumbnails.js';
import { DEFAULT_K, DEFAULT_VOTE, type VoteOptions } from './vote.js';

export type BuildStage = 'embedding' | 'fitting' | 'calibrating' | 'indexing';

export interface BuildProgress {
  readonly stage: BuildStage;
  readonly done: number;
  readonly total: number;
}

export interface BuildGalleryOptions {
  /** Folder of pictures, a folder per label at any depth. */
  readonly directory: string;
  /** Where the gallery goes: a new or empty folder, or a gallery to replace. */
  readonly out: string;
  readonly model: Model | FittableModel;
  /** Default: the name of `out`. */
  readonly name?: string;
  /** Default `auto`. */
  readonly fieldOfView?: FieldOfViewMode;
  /** Keep folder names as labels, instead of the canonical ids that the alias table maps them to. */
  readonly keepLabels?: boolean;
  /** Only these labels. */
  readonly labels?: readonly string[];
  /** Only labels of these kinds. */
  readonly kinds?: readonly ClassKind[];
  /** Leave out labels with fewer pictures; default 1. */
  readonly minExemplars?: number;
  /** `auto` (default) builds an HNSW index from 20,000 exemplars on, where the library is there. */
  readonly index?: IndexChoice;
  /** Share of queries of a foreign class that may be taken for known; default 0.1. */
  readonly falseAcceptance?: number;
  readonly k?: number;
  readonly vote?: VoteOptions;
  readonly device?: Device;
  readonly threads?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: BuildProgress) => void;
  /** Runs models; default: a worker thread. */
  readonly createEmbedder?: (model: Model, options: EmbedderOptions) => Promise<Embedder>;
}

export interface GalleryReport {
  readonly out: string;
  readonly manifest: GalleryManifest;
  /** Folders that named a class, with what they were taken for. */
  readonly folders: readonly LabelFolder[];
  /** Labels that the alias table does not know, kept as they are. */
  readonly unknownLabels: readonly string[];
  /** Pictures outside any class folder. */
  readonly unlabelled: readonly string[];
  readonly unreadable: readonly UnreadableStill[];
  /** Files left out because the same file is there already under the same label. */
  readonly copies: readonly { readonly path: string; readonly of: string }[];
  /** Near-duplicates that were kept, as paths; those with contradicting labels first. */
  readonly nearDuplicates: readonly { readonly paths: readonly string[]; readonly labels: readonly string[] }[];
  readonly elapsedMs: number;
  /** Share of the wall time of the first pass that inference took, 0…1. */
  readonly inferenceShare: number;
}

/** From this many exemplars on exact search takes longer than a frame may. */
const HNSW_FROM = 20_000;
const HNSW_K = 10;
const HNSW_RECALL = 0.99;

/**
 * Builds a gallery from a folder of labelled pictures. Unreadable pictures are counted and listed; the gallery appears in its place
 * whole or not at all.
 * @throws GalleryError when there is nothing to build from, or fewer than two labels; UsageError for invalid options.
 */
export async function buildGallery(options: BuildGalleryOptions): Promise<GalleryReport> {
  const began = performance.now();
  const { directory, out, signal, fieldOfView = 'auto', k = DEFAULT_K, vote = DEFAULT_VOTE } = options;
  checkFieldOfViewMode(fieldOfView);
  signal?.throwIfAborted();
  const listing = await listLabelledPictures(directory, { keepLabels: options.keepLabels ?? false });
  const pictures = chosenPictures(listing.pictures, options);
  requireTwoLabels(directory, pictures, 'holds');

  const folder = await createGalleryFolder(out);
  try {
    const embedded = await embedAll(pictures, folder.work, { ...options, fieldOfView });
    const { exemplars, hashes, embeddings, model, statistics } = embedded;
    requireTwoLabels(directory, exemplars, 'holds readable pictures of');

    const labels = exemplars.map(({ label }) => label);
    const groups = nearDuplicateGroups(hashes);
    const rows = exemplars.map((exemplar, at): Exemplar => ({ ...exemplar, group: groups.of(at) }));
    const calibration = await calibrate(
      { embeddings, dimension: model.dimension, labels, groups: rows.map(({ group }) => group) },
      {
        k,
        vote,
        falseAcceptance: options.falseAcceptance ?? 0.1,
        ...(signal === undefined ? {} : { signal }),
        onProgress: (share) =>
          options.onProgress?.({ stage: 'calibrating', done: Math.round(share * labels.length), total: labels.length }),
      },
    );

    await writeFile(
      join(folder.work, manifestFiles.EMBEDDINGS_FILE),
      new Uint8Array(embeddings.buffer, embeddings.byteOffset, embeddings.byteLength),
    );
    await writeFile(join(folder.work, manifestFiles.EXEMPLARS_FILE), rows.map((row) => `${JSON.stringify(row)}\n`).join(''));
    if (statistics !== null) await writeFile(join(folder.work, manifestFiles.STATISTICS_FILE), statistics);
    const index = await buildIndex(embeddings, model.dimension, folder.work, options);
    const manifest = await writeManifest(folder.work, {
      options: { ...options, fieldOfView },
      rows,
      model,
      statistics,
      calibration,
      index,
      k,
      vote,
    });
    signal?.throwIfAborted();
    await folder.commit();

    return {
      out,
      manifest,
      folders: listing.folders,
      unknownLabels: [...new Set(listing.folders.filter(({ known }) => !known).map(({ label }) => label))],
      unlabelled: listing.unlabelled,
      unreadable: embedded.unreadable,
      copies: embedded.copies,
      nearDuplicates: duplicateGroups(groups, labels).map((group: DuplicateGroup) => ({
        paths: group.members.map((member) => rows[member]?.path ?? ''),
        labels: group.labels,
      })),
      elapsedMs: performance.now() - began,
      inferenceShare: embedded.inferenceShare,
    };
  } finally {
    await folder.discard();
  }
}

function chosenPictures(pictures: readonly LabelledPicture[], options: BuildGalleryOptions): LabelledPicture[] {
  const counts = new Map<string, number>();
  for (const { label } of pictures) counts.set(label, (counts.get(label) ?? 0) + 1);
  const missing = options.labels?.filter((label) => !counts.has(label)) ?? [];
  if (missing.length > 0) {
    throw new GalleryError('gallery-labels', `${options.directory}: has no pictures of ${missing.join(', ')}`, {
      remedy: `It has ${[...counts.keys()].sort().join(', ') || 'none'}.`,
    });
  }
  return pictures.filter(
    ({ label }) =>
      (options.labels?.includes(label) ?? true) &&
      (options.kinds?.includes(classInfo(label).kind) ?? true) &&
      (counts.get(label) ?? 0) >= (options.minExemplars ?? 1),
  );
}

function requireTwoLabels(directory: string, pictures: readonly { readonly label: string }[], holds: string): void {
  const labels = [...new Set(pictures.map(({ label }) => label))];
  if (labels.length === 0) {
    throw new GalleryError('gallery-empty', `${directory}: ${holds} no labelled picture`, {
      remedy: 'It must hold a folder per label with jpg, png, tif, webp or bmp pictures in it.',
    });
  }
  if (labels.length === 1) {
    throw new GalleryError(
      'gallery-one-label',
      `${directory}: ${holds} only one label, ${labels[0] ?? ''}; nothing can be told apart by it`,
      {
        remedy: 'Add a folder with pictures of another label.',
      },
    );
  }
}

type NewExemplar = Omit<Exemplar, 'group'>;

interface Embedded {
  readonly exemplars: readonly NewExemplar[];
  readonly hashes: readonly Uint32Array[];
  /** `[exemplars, dimension]` */
  readonly embeddings: Float32Array<ArrayBuffer>;
  readonly model: Model;
  /** What completes a fittable model. */
  readonly statistics: Uint8Array | null;
  readonly unreadable: readonly UnreadableStill[];
  readonly copies: readonly { readonly path: string; readonly of: string }[];
  readonly inferenceShare: number;
}

interface ReadyPicture {
  readonly exemplar: NewExemplar;
  readonly hash: Uint32Array;
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** One pass over the pictures; for a fittable model a second one over the squashed pixels, after it was fitted. */
async function embedAll(
  pictures: readonly LabelledPicture[],
  work: string,
  options: BuildGalleryOptions & { readonly fieldOfView: FieldOfViewMode },
): Promise<Embedded> {
  const fittable = 'fitted' in options.model ? options.model : null;
  const base = 'fitted' in options.model ? options.model.base : options.model;
  const { width, height } = base.input;
  const start = options.createEmbedder ?? createEmbedder;
  const embedderOptions = {
    ...(options.device === undefined ? {} : { device: options.device }),
    ...(options.threads === undefined ? {} : { threads: options.threads }),
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  };

  const unreadable: UnreadableStill[] = [];
  const copies: { path: string; of: string }[] = [];
  const first = new Map<string, string>();
  const spool = fittable === null ? null : await PixelSpool.create(join(work, 'pixels.tmp'), width * height * 3);
  let seen = 0;

  async function* ready(): AsyncGenerator<ReadyPicture> {
    const prepared = mapInOrder(pictures, PREPARE_CONCURRENCY, async (picture) => ({
      label: picture.label,
      still: await prepareStill(options.directory, picture.path, {
        size: base.input,
        fieldOfView: options.fieldOfView,
        thumbnail: true,
        ...(options.signal === undefined ? {} : { signal: options.signal }),
      }),
    }));
    let exemplarNumber = 0;
    for await (const { label, still } of prepared) {
      options.signal?.throwIfAborted();
      seen += 1;
      if ('reason' in still) {
        unreadable.push(still);
        continue;
      }
      const key = `${still.sha256} ${label}`;
      const original = first.get(key);
      if (original !== undefined) {
        copies.push({ path: still.path, of: original });
        continue;
      }
      first.set(key, still.path);
      yield await keep(still, label, exemplarNumber++);
    }
  }

  async function keep(still: PreparedStill, label: string, at: number): Promise<ReadyPicture> {
    const thumbnail = still.thumbnail ?? new Uint8Array();
    const file = join(work, thumbnailPath(at));
    if (at % 1000 === 0) await mkdir(dirname(file), { recursive: true });
    await Promise.all([writeFile(file, thumbnail), spool?.append(still.pixels)]);
    return {
      exemplar: {
        path: still.path,
        label,
        sha256: still.sha256,
        width: still.width,
        height: still.height,
        fieldOfView: still.fieldOfView as Exemplar['fieldOfView'],
        thumbnail: manifestFiles.sha256Of(thumbnail),
      },
      hash: perceptualHash(still.pixels, width, height),
      pixels: still.pixels,
    };
  }

  try {
    const exemplars: NewExemplar[] = [];
    const hashes: Uint32Array[] = [];
    const embeddings: Float32Array[] = [];
    const features = new Map<string, Float32Array[]>();
    const began = performance.now();
    let inferenceMs = 0;

    const embedder = await start(base, { ...embedderOptions, features: fittable !== null });
    try {
      for await (const { item, batch } of embedPictures(embedder, ready())) {
        exemplars.push(item.exemplar);
        hashes.push(item.hash);
        inferenceMs += batch.inferenceMs;
        if (fittable === null) embeddings.push(batch.embeddings);
        for (const [backbone, values] of Object.entries(batch.features ?? {})) {
          const rows = features.get(backbone) ?? [];
          rows.push(values);
          features.set(backbone, rows);
        }
        options.onProgress?.({ stage: 'embedding', done: seen, total: pictures.length });
      }
    } finally {
      await embedder.dispose();
    }
    const inferenceShare = inferenceMs / (performance.now() - began);
    if (fittable === null || spool === null || exemplars.length === 0) {
      return { exemplars, hashes, embeddings: concatenate(embeddings), model: base, statistics: null, unreadable, copies, inferenceShare };
    }

    const statistics = fittable.fit(
      Object.fromEntries([...features].map(([backbone, rows]) => [backbone, concatenate(rows)])),
      exemplars.map(({ label }) => label),
    );
    const model = fittable.fitted(statistics);
    const fittedEmbedder = await start(model, embedderOptions);
    try {
      const pixels = mapInOrder(spool.read(), 1, (values) => Promise.resolve({ pixels: values }));
      for await (const { batch } of embedPictures(fittedEmbedder, pixels)) {
        embeddings.push(batch.embeddings);
        options.onProgress?.({ stage: 'fitting', done: embeddings.length, total: exemplars.length });
      }
    } finally {
      await fittedEmbedder.dispose();
    }
    return { exemplars, hashes, embeddings: concatenate(embeddings), model, statistics, unreadable, copies, inferenceShare };
  } finally {
    await spool?.dispose();
  }
}

async function buildIndex(
  embeddings: Float32Array,
  dimension: number,
  work: string,
  options: BuildGalleryOptions,
): Promise<HnswRecord | null> {
  const { index: choice = 'auto', signal, onProgress } = options;
  const count = embeddings.length / dimension;
  if (choice === 'exact' || (choice === 'auto' && count < HNSW_FROM)) return null;
  const loaded = await loadHnsw();
  if ('reason' in loaded) {
    if (choice === 'auto') return null;
    throw new GalleryError('gallery-index', `${options.out}: an HNSW index was asked for, but ${loaded.reason}`, {
      remedy: 'Leave out --index hnsw (exact search gives the same matches), or install a C++ toolchain and npm install again.',
    });
  }
  const outcome = await buildHnswFile(
    {
      vectors: new Float32Array(embeddings),
      dimension,
      file: join(work, manifestFiles.INDEX_FILE),
      parameters: HNSW_DEFAULTS,
      k: Math.min(HNSW_K, count),
      wantedRecall: HNSW_RECALL,
      queries: 500,
    },
    {
      ...(signal === undefined ? {} : { signal }),
      onProgress: (share) => onProgress?.({ stage: 'indexing', done: Math.round(share * count), total: count }),
    },
  );
  return { space: 'ip', dimension, count, ...HNSW_DEFAULTS, ...outcome };
}

interface ManifestParts {
  readonly options: BuildGalleryOptions & { readonly fieldOfView: FieldOfViewMode };
  readonly rows: readonly Exemplar[];
  readonly model: Model;
  readonly statistics: Uint8Array | null;
  readonly calibration: Calibration | null;
  readonly index: HnswRecord | null;
  readonly k: number;
  readonly vote: VoteOptions;
}

async function writeManifest(work: string, parts: ManifestParts): Promise<GalleryManifest> {
  const { options, rows, model, statistics } = parts;
  const names = [
    manifestFiles.EMBEDDINGS_FILE,
    manifestFiles.EXEMPLARS_FILE,
    ...(statistics === null ? [] : [manifestFiles.STATISTICS_FILE]),
    ...(parts.index === null ? [] : [manifestFiles.INDEX_FILE]),
  ];
  const files = await Promise.all(
    names.map(async (name) => {
      const file = join(work, name);
      const { size } = await stat(file);
      return [name, { bytes: size, sha256: await manifestFiles.fileSha256(file) }] as const;
    }),
  );
  const counts = new Map<string, number>();
  for (const { label } of rows) counts.set(label, (counts.get(label) ?? 0) + 1);

  const manifest = manifestFiles.MANIFEST.parse({
    format: 'lumenmark-gallery',
    version: 1,
    name: options.name ?? basename(resolve(options.out)),
    software: `lumenmark ${version}`,
    builtAt: new Date().toISOString(),
    model: {
      name: model.name,
      fingerprint: model.fingerprint,
      dimension: model.dimension,
      input: model.input,
      fitted: statistics !== null,
    },
    preprocessing: { fieldOfView: options.fieldOfView, resize: 'squash, bilinear, antialiased' },
    exemplars: rows.length,
    labels: [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, exemplars]) => ({ id, exemplars })),
    vote: { k: parts.k, ...parts.vote },
    calibration: parts.calibration,
    index: parts.index,
    files: Object.fromEntries(files),
  } satisfies GalleryManifest);
  await writeFile(join(work, manifestFiles.MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function concatenate(rows: readonly Float32Array[]): Float32Array<ArrayBuffer> {
  const all = new Float32Array(rows.reduce((sum, row) => sum + row.length, 0));
  let at = 0;
  for (const row of rows) {
    all.set(row, at);
    at += row.length;
  }
  return all;
}
