import { sha256Of } from '../common/sha256.js';
import type { ChainHead } from './chain.js';
import { isAmendment, isClosing, parseEntry, type Entry } from './entries.js';
import type { Finding, FindingKind } from './finding.js';
import { parseLine } from './line-file.js';
import { JOURNAL_FILE, DESCRIPTION_FILE } from './paths.js';
import { isSealGenuine } from './seal.js';

export interface JournalLine {
  /** Without the line feed. */
  readonly bytes: Buffer;
  /** False for what stands behind the last line feed. */
  readonly complete: boolean;
}

export interface ChainCheck {
  /** The first thing that does not hold, if any; what follows a broken link proves nothing. */
  readonly finding: Finding | null;
  /** Up to there … */
  readonly entries: readonly Entry[];
  /** … and what a line that follows them has to carry. */
  readonly head: ChainHead;
  /** Lines behind the finding that can still be read: nothing vouches for them, but they tell where else to look. */
  readonly unproven: readonly Entry[];
}

/**
 * Walks a journal from its first line to its last: every line must be ours, carry the next number and the hash of the line before, and stand
 * where its type may. Names the first line that does not hold, by what the lines around it say about it. Pure.
 * @param description The bytes of `procedure.json`.
 */
export function checkChain(description: Uint8Array, lines: readonly JournalLine[]): ChainCheck {
  const entries: Entry[] = [];
  let previous = sha256Of(description);
  const stop = (finding: Finding | null, at = lines.length): ChainCheck => ({
    finding,
    entries,
    head: { seq: entries.length, previous },
    unproven: lines.slice(finding?.line === at ? at + 1 : at).flatMap(({ bytes }) => {
      const entry = read(bytes);
      return typeof entry === 'string' ? [] : [entry];
    }),
  });
  let closed = false;
  let sealKey: string | null = null;
  for (const [at, { bytes, complete }] of lines.entries()) {
    if (!complete) {
      return stop(found('line-torn', at, `ends without a line feed after ${bytes.length} bytes, as a crash leaves it`), at);
    }
    const entry = read(bytes);
    if (typeof entry === 'string') return stop(found('line-altered', at, `was altered: it ${entry}`), at);
    const broken = brokenLink(lines, at, entry, previous) ?? misplaced(entry, at, closed);
    if (broken !== null) return stop(broken, at);
    if (entry.type === 'seal') {
      if (!isSealGenuine(bytes, entry)) {
        return stop(found('seal-forged', at, 'was altered: it is a seal, and its signature does not fit'), at);
      }
      if (sealKey !== null && sealKey !== entry.key) {
        return stop(found('seal-of-another-key', at, 'is a seal of another key than the one that closed the procedure'), at);
      }
      sealKey = entry.key;
    }
    closed ||= isClosing(entry);
    entries.push(entry);
    previous = sha256Of(bytes);
  }
  return stop(unfinished(entries));
}

function read(bytes: Buffer): Entry | string {
  let value: unknown;
  try {
    value = parseLine(bytes);
  } catch {
    return 'is no JSON';
  }
  const parsed = parseEntry(value);
  return 'entry' in parsed ? parsed.entry : `is no line of ours (${parsed.problem})`;
}

/** Which of the lines around a link that does not hold is to blame. */
function brokenLink(lines: readonly JournalLine[], at: number, entry: Entry, previous: string): Finding | null {
  const linked = entry.previous === previous;
  if (linked && entry.seq === at) return null;
  if (linked) return found('line-altered', at, `was altered: it carries the number ${entry.seq}`);
  if (entry.seq > at) {
    const elsewhere = lines.findIndex(({ bytes }, index) => index > at && seqOf(bytes) === at);
    return elsewhere < 0
      ? found('line-removed', at, entry.seq === at + 1 ? 'was removed' : `and all before line ${entry.seq + 1} were removed`)
      : found('line-moved', at, `was moved: it stands in line ${elsewhere + 1} now`);
  }
  if (entry.seq < at) return found('line-inserted', at, `was inserted: it carries the number of line ${entry.seq + 1}`);
  if (follows(lines, at, entry)) {
    return at === 0
      ? { ...found('description-altered', 0, ''), path: DESCRIPTION_FILE, line: null, message: `${DESCRIPTION_FILE} was altered` }
      : found('line-altered', at - 1, 'was altered: the line after it carries another hash of it');
  }
  return at === 0
    ? found('line-altered', 0, `was altered, or ${DESCRIPTION_FILE} was: the one does not fit the other`)
    : found('line-altered', at, `was altered, or the line before it was: the one does not carry the hash of the other`);
}

/** Whether something that comes after a line vouches for it. */
function follows(lines: readonly JournalLine[], at: number, entry: Entry): boolean {
  const [line, next] = [lines[at], lines[at + 1]];
  if (line === undefined) return false;
  if (entry.type === 'seal') return isSealGenuine(line.bytes, entry);
  if (next === undefined) return false;
  const after = read(next.bytes);
  return typeof after !== 'string' && after.previous === sha256Of(line.bytes);
}

function seqOf(bytes: Buffer): number | null {
  const entry = read(bytes);
  return typeof entry === 'string' ? null : entry.seq;
}

/** The chain can be computed by anybody; what may stand where is the other half of the proof. */
function misplaced(entry: Entry, at: number, closed: boolean): Finding | null {
  if ((entry.type === 'opened') !== (at === 0)) {
    return found('line-inserted', at, at === 0 ? 'does not open a procedure' : 'opens the procedure a second time');
  }
  if (closed && entry.type !== 'seal' && entry.type !== 'clock' && !isAmendment(entry)) {
    return found('line-inserted', at, `was appended: nothing of the type ${entry.type} follows the closing of a procedure`);
  }
  if (!closed && entry.type === 'seal') return found('line-inserted', at, 'is a seal, though the procedure is not closed');
  return null;
}

function unfinished(entries: readonly Entry[]): Finding | null {
  const last = entries.length - 1;
  if (entries.at(-1)?.type === 'seal') return null;
  const closing = entries.findIndex(isClosing);
  if (closing < 0) {
    return found(
      'not-closed',
      last + 1,
      'is where the journal ends, and nothing closes it: the procedure is being recorded, or its process died',
    );
  }
  const seal = entries.findLastIndex(({ type }) => type === 'seal');
  if (seal < 0) return found('not-sealed', last + 1, 'should be the seal of the closed procedure, and is missing');
  return found('line-unsealed', seal + 1, 'was appended and no seal follows it: whoever did it had no key, or lost power while writing');
}

const UNFINISHED: readonly FindingKind[] = ['line-torn', 'not-closed', 'not-sealed'];

function found(kind: FindingKind, line: number, message: string): Finding {
  return {
    kind,
    severity: UNFINISHED.includes(kind) ? 'unfinished' : 'altered',
    path: JOURNAL_FILE,
    line,
    message: `Line ${line + 1} of ${JOURNAL_FILE} ${message}`,
  };
}
