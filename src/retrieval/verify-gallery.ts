import { join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { messageOf } from '../common/errors.js';
import { sha256Of } from '../common/sha256.js';
import { exactIndex } from './exact-index.js';
import { openGallery, type Gallery, type OpenGalleryOptions } from './gallery.js';
import { checkFile, readManifest } from './manifest.js';
import { seededQueries } from './seeded-queries.js';
import { thumbnailPath } from './thumbnails.js';

export interface Check {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
}

const RECALL_QUERIES = 200;

/**
 * Checks a gallery beyond what opening it does: every file and thumbnail against its hash, the model, that the embeddings are
 * normalised, that every exemplar finds itself, and what share of exact search the index still finds.
 * @throws GalleryError when there is no readable manifest.
 */
export async function verifyGallery(dir: string, options: OpenGalleryOptions = {}): Promise<Check[]> {
  const manifest = await readManifest(dir);
  const checks: Check[] = [];
  const check = async (name: string, work: () => Promise<string> | string): Promise<void> => {
    try {
      checks.push({ name, ok: true, detail: await work() });
    } catch (error) {
      checks.push({ name, ok: false, detail: messageOf(error) });
    }
  };

  for (const [name, { bytes }] of Object.entries(manifest.files)) {
    await check(name, async () => {
      await checkFile(dir, manifest, name);
      return `${bytes} bytes, SHA-256 as written`;
    });
  }
  const opened: Gallery[] = [];
  await check('gallery and model', async () => {
    opened.push(await openGallery(dir, options));
    return `${manifest.exemplars} exemplars of ${manifest.labels.length} labels, ${manifest.model.name} ${manifest.model.fingerprint.slice(0, 12)}`;
  });
  for (const gallery of opened) {
    await check('thumbnails', () => verifyThumbnails(gallery));
    await check('embeddings', () => verifyEmbeddings(gallery));
    await check('index', () => verifyIndex(gallery));
  }
  return checks;
}

async function verifyThumbnails({ dir, exemplars }: Gallery): Promise<string> {
  let bad = 0;
  for (const [at, { thumbnail }] of exemplars.entries()) {
    const bytes = await readFile(join(dir, thumbnailPath(at))).catch(() => null);
    if (bytes === null || sha256Of(bytes) !== thumbnail) bad += 1;
  }
  if (bad > 0) throw new Error(`${bad} of ${exemplars.length} are missing or not as written`);
  return `${exemplars.length}, SHA-256 as written`;
}

function verifyEmbeddings({ embeddings, manifest }: Gallery): string {
  const { dimension } = manifest.model;
  for (let row = 0; row < manifest.exemplars; row++) {
    const norm = Math.hypot(...embeddings.subarray(row * dimension, (row + 1) * dimension));
    if (!(Math.abs(norm - 1) < 1e-3)) throw new Error(`row ${row} has length ${norm}`);
  }
  return `${manifest.exemplars} × ${dimension}, normalised`;
}

function verifyIndex(gallery: Gallery): string {
  const { embeddings, manifest, index } = gallery;
  if (index.kind === 'exact') return index.reason;
  const { dimension } = manifest.model;
  const k = manifest.index?.k ?? 1;
  const exact = exactIndex(embeddings, dimension);
  const queries = seededQueries(embeddings, dimension, RECALL_QUERIES, 2);
  const found = queries.map((query) => {
    const truth = new Set(exact.search(query, k).map(({ exemplar }) => exemplar));
    return gallery.match(query, { k }).neighbours.filter(({ exemplar }) => truth.has(exemplar)).length / truth.size;
  });
  const recall = found.reduce((sum, share) => sum + share, 0) / found.length;
  const text = `HNSW recall@${k} ${recall.toFixed(4)} over ${queries.length} queries`;
  if (recall < (manifest.index?.recall ?? 0) - 0.02)
    throw new Error(`${text}, ${manifest.index?.recall.toFixed(4) ?? ''} when it was built`);
  return text;
}
