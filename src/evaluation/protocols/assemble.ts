import { join } from 'node:path';
import { UsageError } from '../../common/errors.js';
import { seededRandom } from '../../common/random.js';
import { fileSha256 } from '../../common/sha256.js';
import { dealGroups } from '../split.js';
import type { DatasetListing } from '../datasets/listing.js';
import { hyperkvasir } from '../datasets/hyperkvasir.js';
import { kvasir } from '../datasets/kvasir.js';
import { KIM2025 } from './kim2025.js';

/** A picture that a protocol took. */
export interface AssembledPicture {
  /** Path of the file. */
  readonly file: string;
  readonly label: string;
  readonly source: 'kvasir' | 'hyperkvasir';
  readonly sha256: string;
}

export interface Assembled {
  readonly pictures: readonly AssembledPicture[];
  /** Files that were passed over because the same bytes had been taken. */
  readonly copies: number;
  /** How many pictures of a label came from which data set. */
  readonly sources: Readonly<Record<string, { readonly kvasir: number; readonly hyperkvasir: number }>>;
}

export interface AssembleOptions {
  readonly kvasir: string;
  readonly hyperkvasir: string;
  readonly perClass: number;
  readonly seed: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/**
 * Draws `perClass` pictures of every class of the protocol from both data sets. The same files and seed give the same pictures.
 * @throws UsageError when a class has fewer.
 */
export async function assembleKim2025(options: AssembleOptions): Promise<Assembled> {
  const { perClass, seed, signal } = options;
  const listings = {
    kvasir: await kvasir.read(options.kvasir, { keepLabels: false }),
    hyperkvasir: await hyperkvasir.read(options.hyperkvasir, { keepLabels: false }),
  };
  const random = seededRandom(seed);
  const taken = new Set<string>();
  const pictures: AssembledPicture[] = [];
  let copies = 0;
  for (const label of KIM2025.classes) {
    const pool = shuffled([...filesOf(listings.kvasir, 'kvasir', label), ...filesOf(listings.hyperkvasir, 'hyperkvasir', label)], random);
    let count = 0;
    for (const { file, source } of pool) {
      if (count === perClass) break;
      signal?.throwIfAborted();
      // A file that goes away meanwhile is as if it had never been there.
      const sha256 = await fileSha256(file).catch(() => null);
      if (sha256 === null) continue;
      if (taken.has(sha256)) {
        copies += 1;
        continue;
      }
      taken.add(sha256);
      pictures.push({ file, label, source, sha256 });
      count += 1;
      options.onProgress?.(pictures.length, perClass * KIM2025.classes.length);
    }
    if (count < perClass) {
      throw new UsageError('protocol-pictures', `${KIM2025.id}: ${label} has ${count} pictures of ${perClass} in both data sets together`, {
        remedy: `Check that ${options.kvasir} and ${options.hyperkvasir} are complete, or take fewer with --per-class.`,
      });
    }
  }
  const sources = Object.fromEntries(
    KIM2025.classes.map((label) => {
      const own = pictures.filter((picture) => picture.label === label);
      const from = (name: string): number => own.filter(({ source }) => source === name).length;
      return [label, { kvasir: from('kvasir'), hyperkvasir: from('hyperkvasir') }];
    }),
  );
  return { pictures, copies, sources };
}

export type ProtocolPart = 'train' | 'validation' | 'test';

/** Parts picture by picture, class by class. */
export function partsByPicture(labels: readonly string[], seed: number): ProtocolPart[] {
  const parts = new Array<ProtocolPart>(labels.length).fill('train');
  for (const label of new Set(labels)) {
    const rows = shuffled(
      labels.flatMap((other, row) => (other === label ? [row] : [])),
      seededRandom(seed),
    );
    const test = Math.max(1, Math.round(rows.length * KIM2025.shares.test));
    const validation = Math.max(1, Math.round(rows.length * KIM2025.shares.validation));
    for (const row of rows.slice(0, test)) parts[row] = 'test';
    for (const row of rows.slice(test, test + validation)) parts[row] = 'validation';
  }
  return parts;
}

/** The same shares, but no group on two sides. */
export function partsByGroup(labels: readonly string[], groups: readonly number[]): ProtocolPart[] {
  const folds = Math.round(1 / KIM2025.shares.test);
  return dealGroups(labels, groups, folds).map((fold) => (fold === 0 ? 'test' : fold === 1 ? 'validation' : 'train'));
}

function filesOf(
  { directory, pictures }: DatasetListing,
  source: AssembledPicture['source'],
  label: string,
): { readonly file: string; readonly source: AssembledPicture['source'] }[] {
  return pictures.filter((picture) => picture.label === label).map(({ path }) => ({ file: join(directory, path), source }));
}

/** Fisher and Yates. */
function shuffled<Item>(items: readonly Item[], random: () => number): Item[] {
  const order = [...items];
  for (let at = order.length - 1; at > 0; at--) {
    const other = Math.floor(random() * (at + 1));
    [order[at], order[other]] = [order[other] as Item, order[at] as Item];
  }
  return order;
}
