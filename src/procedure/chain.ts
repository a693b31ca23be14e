import { sha256Of } from '../common/sha256.js';
import type { Entry, NewEntry } from './entries.js';

/** Where a chain stands: what its next line has to carry. */
export interface ChainHead {
  /** Of the next line. */
  readonly seq: number;
  /** SHA-256 of the line before it. */
  readonly previous: string;
}

/** A line as bytes without its line feed, as its type, and the head after it. */
export interface ChainedLine {
  readonly entry: Entry;
  readonly bytes: Buffer;
  readonly head: ChainHead;
}

export interface LineTimes {
  readonly at: string;
  readonly monotonicMs: number | null;
}

/** The chain begins at the description: nobody can exchange it without breaking line 0. */
export function chainStart(description: Uint8Array): ChainHead {
  return { seq: 0, previous: sha256Of(description) };
}

/** Puts the next line on the chain. */
export function chainLine(head: ChainHead, { type, by = 'lumenmark', ...payload }: NewEntry, { at, monotonicMs }: LineTimes): ChainedLine {
  const entry = { seq: head.seq, at, monotonicMs, previous: head.previous, type, by, ...payload } as Entry;
  const bytes = Buffer.from(JSON.stringify(entry));
  return { entry, bytes, head: { seq: head.seq + 1, previous: sha256Of(bytes) } };
}
