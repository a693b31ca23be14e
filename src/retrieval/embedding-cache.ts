import { randomBytes } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { lumenmarkHome } from '../common/home.js';
import { sha256Of } from '../common/sha256.js';
import { decodeEntry, encodeEntry, type EmbeddingEntry } from './embedding-entry.js';

/** All that an embedding depends on beside the bytes of the picture. */
export interface EmbeddingScope {
  /** Fingerprint of the model. */
  readonly model: string;
  readonly fieldOfView: string;
  /** Devices round differently. */
  readonly device: string;
}

/**
 * Embeddings that were computed before, by the SHA-256 of the picture file and what they depend on. Never a reason to fail: what cannot
 * be read counts as not there, what cannot be written is not kept.
 */
export interface EmbeddingCache {
  get(scope: EmbeddingScope, sha256: string): Promise<EmbeddingEntry | null>;
  put(scope: EmbeddingScope, sha256: string, entry: EmbeddingEntry): Promise<void>;
  /** Deletes what has not been used for longest until the cache is within its bound; does nothing unless something was put. */
  trim(): Promise<void>;
}

export interface EmbeddingCacheOptions {
  /** Folder of all data; default `lumenmarkHome()`. */
  readonly home?: string;
  /** Bound on the disk; default 2 GiB, some hundred thousand pictures. */
  readonly maxBytes?: number;
}

/** Raised whenever decoding, field of view or squashing change what a model sees. */
const RECIPE = 1;
const DEFAULT_MAX_BYTES = 2 * 2 ** 30;
/** After trimming this share of the bound is left, so that not every run trims. */
const TRIMMED_SHARE = 0.9;
/** An entry that was used today need not be marked as used again. */
const TOUCH_AFTER_MS = 24 * 3600 * 1000;

/** The cache below `home`; nothing is created before the first entry is put. */
export function embeddingCache({ home = lumenmarkHome(), maxBytes = DEFAULT_MAX_BYTES }: EmbeddingCacheOptions = {}): EmbeddingCache {
  const root = join(home, 'cache', 'embeddings');
  let grew = false;

  function fileOf(scope: EmbeddingScope, sha256: string): { readonly folder: string; readonly file: string } {
    const key = sha256Of(Buffer.from(JSON.stringify([RECIPE, scope.model, scope.fieldOfView, scope.device])));
    const folder = join(root, key.slice(0, 24), sha256.slice(0, 2));
    return { folder, file: join(folder, sha256) };
  }

  return {
    async get(scope, sha256) {
      const { file } = fileOf(scope, sha256);
      try {
        const entry = decodeEntry(await readFile(file));
        const now = new Date();
        if (entry !== null && now.getTime() - (await stat(file)).mtimeMs > TOUCH_AFTER_MS) await utimes(file, now, now);
        return entry;
      } catch {
        return null;
      }
    },
    async put(scope, sha256, entry) {
      const { folder, file } = fileOf(scope, sha256);
      // Whole or not at all, and two processes may write the same entry.
      const partial = `${file}.${randomBytes(6).toString('hex')}.partial`;
      try {
        await mkdir(folder, { recursive: true });
        await writeFile(partial, encodeEntry(entry));
        await rename(partial, file);
        grew = true;
      } catch {
        await rm(partial, { force: true }).catch(() => undefined);
      }
    },
    async trim() {
      if (!grew) return;
      grew = false;
      const files = await filesBelow(root);
      let bytes = files.reduce((sum, { size }) => sum + size, 0);
      if (bytes <= maxBytes) return;
      for (const { path, size } of files.sort((a, b) => a.usedMs - b.usedMs)) {
        if (bytes <= maxBytes * TRIMMED_SHARE) break;
        await rm(path, { force: true });
        bytes -= size;
      }
    },
  };
}

async function filesBelow(root: string): Promise<{ path: string; size: number; usedMs: number }[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(() => []);
  const files: { path: string; size: number; usedMs: number }[] = [];
  for (const entry of entries) {
    if (!entry.isFile()) continue;
    const path = join(entry.parentPath, entry.name);
    // Another process may be trimming too.
    const found = await stat(path).catch(() => null);
    if (found !== null) files.push({ path, size: found.size, usedMs: found.mtimeMs });
  }
  return files;
}
