import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { FittableModel } from './model.js';

/** Some hundred megabytes. */
const MAX_FILES = 200;
const CHECKSUM_BYTES = 32;

/**
 * The model, which looks in `folder` for statistics that it fitted before on the same features and labels: fitting takes seconds, and
 * a second evaluation or gallery fits the same folds. Never a reason to fail: what is damaged or cannot be written counts as not there.
 */
export function withFitCache(model: FittableModel, folder: string): FittableModel {
  return {
    ...model,
    fit(features, labels) {
      const file = join(folder, keyOf(model, features, labels));
      const known = read(file);
      if (known !== null) return known;
      const statistics = model.fit(features, labels);
      keep(folder, file, statistics);
      return statistics;
    },
  };
}

function keyOf(model: FittableModel, features: Readonly<Record<string, Float32Array>>, labels: readonly string[]): string {
  const hash = createHash('sha256').update(JSON.stringify([model.base.fingerprint, labels]));
  for (const [backbone, values] of Object.entries(features).sort(([a], [b]) => (a < b ? -1 : 1))) {
    hash.update(backbone).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

function read(file: string): Uint8Array | null {
  try {
    const bytes = readFileSync(file);
    const body = bytes.subarray(0, -CHECKSUM_BYTES);
    return checksum(body).equals(bytes.subarray(-CHECKSUM_BYTES)) ? new Uint8Array(body) : null;
  } catch {
    return null;
  }
}

function keep(folder: string, file: string, statistics: Uint8Array): void {
  const partial = `${file}.${process.pid}.partial`;
  try {
    mkdirSync(folder, { recursive: true });
    writeFileSync(partial, Buffer.concat([statistics, checksum(statistics)]));
    renameSync(partial, file);
    const files = readdirSync(folder).map((name) => join(folder, name));
    if (files.length <= MAX_FILES) return;
    const byAge = files.map((path) => ({ path, madeMs: statSync(path).mtimeMs })).sort((a, b) => a.madeMs - b.madeMs);
    for (const { path } of byAge.slice(0, files.length - MAX_FILES)) rmSync(path, { force: true });
  } catch {
    removeQuietly(partial);
  }
}

function removeQuietly(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // There is no such folder, and so no such file.
  }
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
