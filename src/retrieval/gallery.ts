import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { GalleryError, messageOf } from '../common/errors.js';
import { lumenmarkHome } from '../common/home.js';
import type { FittableModel, Model } from '../models/model.js';
import { openModel } from '../models/registry.js';
import { exactIndex } from './exact-index.js';
import { hnswIndex, loadHnsw, readHnsw } from './hnsw.js';
import {
  checkFile,
  damaged,
  EMBEDDINGS_FILE,
  EXEMPLAR,
  EXEMPLARS_FILE,
  INDEX_FILE,
  readManifest,
  STATISTICS_FILE,
  type Exemplar,
  type GalleryManifest,
} from './manifest.js';
import type { Match } from './match.js';
import { createMatcher } from './matcher.js';
import { readThumbnail } from './thumbnails.js';
import type { VectorIndex } from './vector-index.js';

export type { Exemplar, GalleryManifest } from './manifest.js';

export type IndexChoice = 'auto' | 'exact' | 'hnsw';

export interface OpenGalleryOptions {
  /** The model that the embeddings to be matched come from. Default: the model of the gallery's name. */
  readonly model?: Model | FittableModel;
  /** Folder in which models are looked for; default `lumenmarkHome()`. */
  readonly home?: string;
  /** `auto` (default) takes the HNSW index when the gallery has one and the library is there. */
  readonly index?: IndexChoice;
}

export interface MatchOptions {
  /** How many neighbours; default: what the gallery was calibrated with. */
  readonly k?: number;
}

/** Labelled embeddings of one model, ready to be matched with. Immutable; holds no handles, so there is nothing to dispose of. */
export interface Gallery {
  readonly dir: string;
  readonly name: string;
  readonly manifest: GalleryManifest;
  /** The model with the gallery's statistics applied. */
  readonly model: Model;
  /** In the manifest's order. */
  readonly labels: readonly string[];
  readonly exemplars: readonly Exemplar[];
  /** What searches, and why. */
  readonly index: { readonly kind: VectorIndex['kind']; readonly reason: string };
  /** `[exemplars, dimension]` */
  readonly embeddings: Float32Array;
  /**
   * @param embedding L2-normalised, of this gallery's model.
   * @throws GalleryError when it has another dimension or is not finite.
   */
  match(embedding: Float32Array, options?: MatchOptions): Match;
  /** JPEG of an exemplar's field of view, or null when there is none. */
  thumbnail(exemplar: number): Promise<Uint8Array | null>;
}

/**
 * Opens a gallery and checks all that it depends on: format, hashes, sizes, labels, and that the model is the one it was made with.
 * @throws GalleryError naming what is wrong and the way out; ModelError when no model was given and the gallery's is not installed.
 */
export async function openGallery(dir: string, options: OpenGalleryOptions = {}): Promise<Gallery> {
  const manifest = await readManifest(dir);
  const { dimension } = manifest.model;
  const files = [EMBEDDINGS_FILE, EXEMPLARS_FILE, ...(manifest.model.fitted ? [STATISTICS_FILE] : [])];
  await Promise.all(files.map((name) => checkFile(dir, manifest, name)));

  const given = options.model ?? (await openModel(manifest.model.name, { home: options.home ?? lumenmarkHome() }));
  const model = await completeModel(dir, manifest, given);
  const [embeddings, exemplars] = await Promise.all([readEmbeddings(dir, manifest), readExemplars(dir, manifest)]);
  const { index, reason } = await chooseIndex(dir, manifest, embeddings, options.index ?? 'auto');

  const match = createMatcher({
    index,
    labels: exemplars.map(({ label }) => label),
    densities: exemplars.map(({ density }) => density),
    vote: manifest.vote,
    calibration: manifest.calibration,
  });
  return {
    dir,
    name: manifest.name,
    manifest,
    model,
    labels: manifest.labels.map(({ id }) => id),
    exemplars,
    index: { kind: index.kind, reason },
    embeddings,
    match(embedding, { k = manifest.vote.k } = {}) {
      if (embedding.length !== dimension) {
        throw new GalleryError('gallery-dimension', `${dir}: an embedding has ${embedding.length} dimensions, the gallery ${dimension}`, {
          remedy: `Embed with ${manifest.model.name}, the model that the gallery was built with.`,
        });
      }
      if (!embedding.every(Number.isFinite)) {
        throw new GalleryError('gallery-embedding', `${dir}: an embedding is not finite`, {
          remedy: 'Check the model: lumenmark models verify.',
        });
      }
      return match(embedding, k);
    },
    thumbnail: (exemplar) => (exemplar < exemplars.length ? readThumbnail(dir, exemplar) : Promise.resolve(null)),
  };
}

async function completeModel(dir: string, manifest: GalleryManifest, given: Model | FittableModel): Promise<Model> {
  const refuse = (found: string, cause?: unknown): GalleryError =>
    new GalleryError(
      'gallery-model',
      `${dir}: was built with the model ${manifest.model.name} (${manifest.model.fingerprint.slice(0, 12)}), not with ${found}`,
      { remedy: `Choose that model (--model ${manifest.model.name}), or build the gallery again with this one.`, cause },
    );

  let model: Model;
  if ('fitted' in given) {
    if (!manifest.model.fitted) throw refuse(given.name);
    try {
      model = given.fitted(new Uint8Array(await readFile(join(dir, STATISTICS_FILE))));
    } catch (error) {
      throw refuse(`${given.name} (${messageOf(error)})`, error);
    }
  } else {
    model = given;
  }
  if (model.fingerprint !== manifest.model.fingerprint) throw refuse(`${model.name} (${model.fingerprint.slice(0, 12)})`);
  return model;
}

async function readEmbeddings(dir: string, manifest: GalleryManifest): Promise<Float32Array> {
  const { dimension } = manifest.model;
  const bytes = await readFile(join(dir, EMBEDDINGS_FILE));
  if (bytes.length !== manifest.exemplars * dimension * 4) {
    throw damaged(dir, `${EMBEDDINGS_FILE} has ${bytes.length} bytes for ${manifest.exemplars} exemplars of ${dimension} dimensions`);
  }
  // A copy that is aligned to four bytes, whatever pool the file was read into.
  return new Float32Array(new Uint8Array(bytes).buffer);
}

async function readExemplars(dir: string, manifest: GalleryManifest): Promise<Exemplar[]> {
  const lines = (await readFile(join(dir, EXEMPLARS_FILE), 'utf8')).split('\n').filter((line) => line !== '');
  const exemplars = lines.map((line, at) => {
    try {
      return EXEMPLAR.parse(JSON.parse(line));
    } catch (error) {
      throw damaged(dir, `${EXEMPLARS_FILE} line ${at + 1} is no exemplar`, error);
    }
  });
  const counts = new Map<string, number>();
  for (const { label } of exemplars) counts.set(label, (counts.get(label) ?? 0) + 1);
  const agrees =
    exemplars.length === manifest.exemplars &&
    counts.size === manifest.labels.length &&
    manifest.labels.every(({ id, exemplars: expected }) => counts.get(id) === expected);
  if (!agrees) throw damaged(dir, `${EXEMPLARS_FILE} and gallery.json count different exemplars`);
  return exemplars;
}

async function chooseIndex(
  dir: string,
  manifest: GalleryManifest,
  embeddings: Float32Array,
  choice: IndexChoice,
): Promise<{ index: VectorIndex; reason: string }> {
  const { dimension } = manifest.model;
  const record = manifest.index;
  const exact = (reason: string): { index: VectorIndex; reason: string } => {
    if (choice === 'hnsw') {
      throw new GalleryError('gallery-index', `${dir}: HNSW search was asked for, but ${reason}`, {
        remedy: 'Leave out --index hnsw: exact search gives the same matches.',
      });
    }
    return { index: exactIndex(embeddings, dimension), reason };
  };

  if (choice === 'exact') return exact('asked for');
  if (record === null) return exact(`the gallery has no index: ${manifest.exemplars} exemplars are searched exactly as fast`);
  const loaded = loadHnsw();
  if ('reason' in loaded) return exact(loaded.reason);
  if (record.dimension !== dimension || record.count !== manifest.exemplars) {
    throw damaged(
      dir,
      `${INDEX_FILE} is of ${record.count} × ${record.dimension}, the embeddings are ${manifest.exemplars} × ${dimension}`,
    );
  }
  // The library crashes or lies on a file that is not its own, so it gets to see only the file that was written.
  await checkFile(dir, manifest, INDEX_FILE);
  const graph = await readHnsw(loaded.library, join(dir, INDEX_FILE), manifest.exemplars, dimension).catch((error: unknown) => {
    throw damaged(dir, `${INDEX_FILE}: ${messageOf(error)}`, error);
  });
  return {
    index: hnswIndex(graph, embeddings, dimension, record.candidates),
    reason: `HNSW, recall@${record.k} ${record.recall.toFixed(4)} against exact search over ${record.queries} queries`,
  };
}
