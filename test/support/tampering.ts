import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDerived } from '../../src/procedure/paths.js';

export const TAMPERINGS = [
  'byte edit',
  'line deletion',
  'line swap',
  'truncation',
  'line repetition',
  'appended bytes',
  'file deletion',
  'file exchange',
] as const;
export type TamperingKind = (typeof TAMPERINGS)[number];

export interface Tampering {
  readonly kind: TamperingKind;
  /** Below the folder. */
  readonly path: string;
  /** For people. */
  readonly detail: string;
  undo(): void;
}

/** The files that a seal covers: derived ones are not. */
export function coveredFiles(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) =>
      join(entry.parentPath, entry.name)
        .slice(folder.length + 1)
        .replaceAll('\\', '/'),
    )
    .filter((path) => !isDerived(path))
    .sort();
}

/** Does something to one file of a folder that leaves other bytes than before; null where the one that was drawn does not lend itself to it. */
export function tamper(folder: string, kind: TamperingKind, random: () => number): Tampering | null {
  const below = (limit: number): number => Math.floor(random() * limit);
  const files = coveredFiles(folder).filter((path) => !kind.startsWith('line ') || path.endsWith('.ndjson'));
  const path = files[below(files.length)]!;
  const file = join(folder, path);
  const before = readFileSync(file);
  const done = (detail: string): Tampering => ({
    kind,
    path,
    detail,
    undo: () => {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, before);
    },
  });
  const write = (after: Uint8Array, detail: string): Tampering | null => {
    if (before.equals(after)) return null;
    writeFileSync(file, after);
    return done(detail);
  };
  const lines = (): Buffer[] | null => {
    const found: Buffer[] = [];
    for (let from = 0; from < before.length;) {
      const end = before.indexOf(10, from) + 1 || before.length;
      found.push(before.subarray(from, end));
      from = end;
    }
    return found.length < 2 ? null : found;
  };

  switch (kind) {
    case 'byte edit': {
      if (before.length === 0) return null;
      const [at, flip] = [below(before.length), 1 + below(255)];
      const after = Buffer.from(before);
      after[at]! ^= flip;
      return write(after, `byte ${at} xor ${flip}`);
    }
    case 'line deletion': {
      const all = lines();
      const at = below(all?.length ?? 1);
      return all && write(Buffer.concat(all.filter((_, index) => index !== at)), `line ${at + 1}`);
    }
    case 'line swap': {
      const all = lines();
      if (all === null) return null;
      const [a, b] = [below(all.length), below(all.length)];
      const after = [...all];
      [after[a], after[b]] = [all[b]!, all[a]!];
      return write(Buffer.concat(after), `lines ${a + 1} and ${b + 1}`);
    }
    case 'line repetition': {
      const all = lines();
      if (all === null) return null;
      const [from, to] = [below(all.length), below(all.length + 1)];
      return write(Buffer.concat([...all.slice(0, to), all[from]!, ...all.slice(to)]), `line ${from + 1} again as line ${to + 1}`);
    }
    case 'truncation': {
      const length = below(before.length);
      return write(before.subarray(0, length), `to ${length} of ${before.length} bytes`);
    }
    case 'appended bytes':
      return write(Buffer.concat([before, Buffer.from([below(256)])]), 'one byte');
    case 'file deletion':
      rmSync(file);
      return done('gone');
    case 'file exchange': {
      const other = files[below(files.length)]!;
      return write(readFileSync(join(folder, other)), `with the content of ${other}`);
    }
  }
}
