import { stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GalleryError } from '../common/errors.js';
import { fileSha256 } from '../common/sha256.js';
import { version } from '../common/version.js';
import type { Model } from '../models/model.js';
import { calibrate } from './calibrate.js';
import { densitiesOf } from './density.js';
import type { NewExemplar } from './embed-labelled.js';
import { exactIndex } from './exact-index.js';
import type { GalleryFolder } from './gallery-folder.js';
import type { IndexChoice } from './gallery.js';
import type { Groups } from './groups.js';
import { HNSW_DEFAULTS, hnswIndex, loadHnsw, readHnsw } from './hnsw.js';
import { buildHnswFile } from './hnsw-build.js';
import {
  EMBEDDINGS_FILE,
  EXEMPLARS_FILE,
  INDEX_FILE,
  MANIFEST,
  MANIFEST_FILE,
  STATISTICS_FILE,
  type Exemplar,
  type GalleryManifest,
  type HnswRecord,
} from './manifest.js';
import { kinGroups } from './patients.js';
import type { FieldOfViewMode } from './still-pixels.js';
import type { VectorIndex } from './vector-index.js';
import type { VoteOptions } from './vote.js';

export type WriteStage = 'indexing' | 'calibrating' | 'densities';

export interface GalleryContent {
  readonly name: string;
  /** With the statistics applied. */
  readonly model: Model;
  /** What completes a model that is fitted on a gallery; else null. */
  readonly statistics: Uint8Array | null;
  readonly fieldOfView: FieldOfViewMode;
  /** Their thumbnails are in the folder already. */
  readonly exemplars: readonly NewExemplar[];
  /** `[exemplars, dimension]` */
  readonly embeddings: Float32Array<ArrayBuffer>;
  /** Near-duplicates among the exemplars. */
  readonly grouping: Groups;
  /** See `CalibrationGallery`. */
  readonly refit: ((members: readonly number[]) => Float32Array) | null;
  /** Neighbours of a match; no more than there are exemplars. */
  readonly k: number;
  readonly falseAcceptance: number;
  /** Null: chosen on the gallery. */
  readonly vote: VoteOptions | null;
  readonly index?: IndexChoice;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: { readonly stage: WriteStage; readonly done: number; readonly total: number }) => void;
}

/** From this many exemplars on exact search takes longer than a frame may. */
const HNSW_FROM = 20_000;
const HNSW_K = 10;
/** Somewhat more than is promised (0.99), since it is measured on some hundred exemplars. */
const HNSW_RECALL = 0.992;

/**
 * From embeddings to a gallery in its place: index, calibration, densities, files, manifest.
 * @throws GalleryError when an HNSW index is asked for that cannot be built.
 */
export async function writeGallery(
  folder: GalleryFolder,
  content: GalleryContent,
): Promise<{ readonly manifest: GalleryManifest; readonly exemplars: readonly Exemplar[] }> {
  const { model, embeddings, statistics, grouping, signal, refit } = content;
  const { work } = folder;
  const labels = content.exemplars.map(({ label }) => label);
  const groups = labels.map((_, exemplar) => grouping.of(exemplar));
  const kin = kinGroups(
    content.exemplars.map(({ path }) => path),
    grouping,
  );
  const { index, record } = await buildIndex(work, content);
  const k = Math.min(content.k, labels.length);
  const progress = (stage: WriteStage) => (share: number) =>
    content.onProgress?.({ stage, done: Math.round(share * labels.length), total: labels.length });
  const abortable = signal === undefined ? {} : { signal };
  const { vote, calibration } = await calibrate(
    { embeddings, labels, groups: kin, refit },
    {
      k,
      ...(content.vote === null ? {} : { vote: content.vote }),
      falseAcceptance: content.falseAcceptance,
      ...abortable,
      onProgress: progress('calibrating'),
    },
  );
  const densities = await densitiesOf(index, embeddings, kin, { ...abortable, onProgress: progress('densities') });
  const exemplars = content.exemplars.map((exemplar, at): Exemplar => ({
    ...exemplar,
    group: groups[at] ?? at,
    density: Number((densities[at] ?? 0).toFixed(6)),
  }));

  await writeFile(join(work, EMBEDDINGS_FILE), new Uint8Array(embeddings.buffer));
  await writeFile(join(work, EXEMPLARS_FILE), exemplars.map((row) => `${JSON.stringify(row)}\n`).join(''));
  if (statistics !== null) await writeFile(join(work, STATISTICS_FILE), statistics);
  const manifest = await writeManifest(work, {
    name: content.name,
    model: {
      name: model.name,
      fingerprint: model.fingerprint,
      dimension: model.dimension,
      input: model.input,
      fitted: statistics !== null,
    },
    preprocessing: { fieldOfView: content.fieldOfView, resize: 'squash, bilinear, antialiased' },
    exemplars: exemplars.length,
    labels: countLabels(labels),
    vote: { k, ...vote },
    calibration,
    index: record,
  });
  signal?.throwIfAborted();
  await folder.commit();
  return { manifest, exemplars };
}

/** The index that the gallery will be searched with, and what is written of it. */
async function buildIndex(work: string, content: GalleryContent): Promise<{ index: VectorIndex; record: HnswRecord | null }> {
  const { embeddings, index: choice = 'auto', signal, onProgress } = content;
  const { dimension } = content.model;
  const count = embeddings.length / dimension;
  const exact = { index: exactIndex(embeddings, dimension), record: null };
  if (choice === 'exact' || (choice === 'auto' && count < HNSW_FROM)) return exact;
  const loaded = loadHnsw();
  if ('reason' in loaded) {
    if (choice === 'auto') return exact;
    throw new GalleryError('gallery-index', `${content.name}: an HNSW index was asked for, but ${loaded.reason}`, {
      remedy: 'Leave out --index hnsw (exact search gives the same matches), or install a C++ toolchain and npm install again.',
    });
  }
  const file = join(work, INDEX_FILE);
  const outcome = await buildHnswFile(
    {
      vectors: new Float32Array(embeddings),
      dimension,
      file,
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
  const graph = await readHnsw(loaded.library, file, count, dimension);
  return {
    index: hnswIndex(graph, embeddings, dimension, outcome.candidates),
    record: { space: 'ip', dimension, count, ...HNSW_DEFAULTS, ...outcome },
  };
}

/** Now, or what SOURCE_DATE_EPOCH says (reproducible-builds.org), so that a gallery can be built byte for byte again. */
function buildTime(): Date {
  const epochS = Number(process.env['SOURCE_DATE_EPOCH'] ?? NaN);
  return Number.isFinite(epochS) ? new Date(epochS * 1000) : new Date();
}

type ManifestContent = Omit<GalleryManifest, 'format' | 'version' | 'software' | 'builtAt' | 'files'>;

async function writeManifest(work: string, content: ManifestContent): Promise<GalleryManifest> {
  const names = [
    EMBEDDINGS_FILE,
    EXEMPLARS_FILE,
    ...(content.model.fitted ? [STATISTICS_FILE] : []),
    ...(content.index === null ? [] : [INDEX_FILE]),
  ];
  const files = await Promise.all(
    names.map(async (name) => {
      const file = join(work, name);
      return [name, { bytes: (await stat(file)).size, sha256: await fileSha256(file) }] as const;
    }),
  );
  const manifest = MANIFEST.parse({
    format: 'lumenmark-gallery',
    version: 1,
    software: `lumenmark ${version}`,
    builtAt: buildTime().toISOString(),
    ...content,
    files: Object.fromEntries(files),
  } satisfies GalleryManifest);
  await writeFile(join(work, MANIFEST_FILE), `${JSON.stringify(manifest, null, 2)}\n`);
  return manifest;
}

function countLabels(labels: readonly string[]): { id: string; exemplars: number }[] {
  const counts = new Map<string, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  return [...counts].sort(([a], [b]) => (a < b ? -1 : 1)).map(([id, exemplars]) => ({ id, exemplars }));
}
