import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../common/errors.js';
import { makeSeekable, outlineOfMp4 } from '../media/seekable.js';
import type { ChainHead } from './chain.js';
import { checkChain } from './check-chain.js';
import { filesBelow } from './durable-files.js';
import { isClosing, type Entry } from './entries.js';
import { inventory } from './inventory.js';
import { Journal } from './journal.js';
import { readJournalLines } from './journal-lines.js';
import type { InstallationKey } from './key.js';
import { parseLine } from './line-file.js';
import { DERIVED_FOLDER, DESCRIPTION_FILE, DETECTIONS_FILE, isProcedureId, JOURNAL_FILE, proceduresFolder } from './paths.js';
import { recordingParts } from './recording/finish.js';
import { cutEnd, endOfLastLine, exists, readRange } from './torn-end.js';

export interface RecoverOptions {
  readonly key: InstallationKey;
  /** Ids that this process is writing; they are left alone. */
  readonly open?: ReadonlySet<string>;
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
}

export interface Recovered {
  readonly id: string;
  /**
   * `interrupted`: it was open, and is closed now. `mended`: it was closed, and half an amendment that nobody was told of was cut off.
   * `removed`: the process had died before there was anything in it. `damaged`: its journal was altered or is missing, so nothing was touched. `failed`: it
   * could not be written to.
   */
  readonly outcome: 'interrupted' | 'mended' | 'removed' | 'damaged' | 'failed';
  /** One line for people. */
  readonly detail: string;
}

/**
 * Closes what a dead process left open: torn ends go to files of their own, the video is made seekable, and the journal says so, is closed
 * and sealed. To be called with the home locked, before the first procedure is opened.
 */
export async function recoverProcedures(home: string, options: RecoverOptions): Promise<Recovered[]> {
  // A link leads out of the home: what lies there is not closed by this installation.
  const ids = (await readdir(proceduresFolder(home), { withFileTypes: true }).catch(() => []))
    .filter((found) => found.isDirectory() && isProcedureId(found.name) && options.open?.has(found.name) !== true)
    .map(({ name }) => name)
    .sort();
  const recovered: Recovered[] = [];
  for (const [at, id] of ids.entries()) {
    options.signal?.throwIfAborted();
    const result = await recover(join(proceduresFolder(home), id), options).catch((error: unknown): Outcome => ({
      outcome: 'failed',
      detail: messageOf(error),
    }));
    if (result !== null) recovered.push({ id, ...result });
    options.onProgress?.(at + 1, ids.length);
  }
  return recovered;
}

type Outcome = Omit<Recovered, 'id'>;

async function recover(folder: string, options: RecoverOptions): Promise<Outcome | null> {
  if (await endsWithSeal(folder)) return null;
  if (await isEmpty(folder)) {
    await rm(folder, { recursive: true });
    return { outcome: 'removed', detail: 'nothing had been written to it' };
  }
  for (const needed of [DESCRIPTION_FILE, JOURNAL_FILE]) {
    if (!(await exists(join(folder, needed)))) return { outcome: 'damaged', detail: `${needed} is missing` };
  }
  const description = await readFile(join(folder, DESCRIPTION_FILE));
  const { lines } = await readJournalLines(folder);
  const { entries, finding } = checkChain(description, lines);
  if (finding === null) return null;
  if (finding.severity === 'altered' || entries.length === 0) return { outcome: 'damaged', detail: finding.message };
  const seal = entries.findLastIndex(({ type }) => type === 'seal');
  // A closing line without its seal was never acknowledged: it goes with the torn end. So does all that follows the last seal, which
  // anybody may have appended: it must not be sealed here.
  const closing = entries.findIndex(isClosing);
  const kept = seal >= 0 ? seal + 1 : closing >= 0 ? closing : entries.length;
  const { head } = checkChain(description, lines.slice(0, kept));
  const state: Cut = {
    folder,
    entries: entries.slice(0, kept),
    head,
    end: lines.slice(0, kept).reduce((sum, { bytes }) => sum + bytes.length + 1, 0),
  };
  return seal >= 0 ? mend(state, options) : interrupt(state, options);
}

/** What stays of a journal. */
interface Cut {
  readonly folder: string;
  readonly entries: readonly Entry[];
  readonly head: ChainHead;
  /** Bytes. */
  readonly end: number;
}

/** Half an amendment behind a seal. What is sealed stays; the rest is kept where no seal needs to cover it. */
async function mend({ folder, entries, head, end }: Cut, { key }: RecoverOptions): Promise<Outcome> {
  const torn = await cutEnd(folder, JOURNAL_FILE, end, DERIVED_FOLDER);
  const detail = `${torn?.bytes ?? 0} bytes of an amendment that a crash had left unfinished were moved to ${torn?.keptAs ?? ''} (SHA-256 ${torn?.sha256 ?? ''})`;
  const seal = entries.at(-1);
  // The key may have been replaced since; then only this outcome tells of it.
  if (seal?.type === 'seal' && seal.key === key.publicKey) {
    const journal = await Journal.open({ file: join(folder, JOURNAL_FILE), head, position: end, resumedAfter: seal.at });
    await journal.seal(key, { type: 'note', text: detail, ptsUs: null }).finally(() => journal.close());
  }
  return { outcome: 'mended', detail };
}

async function interrupt({ folder, entries, head, end }: Cut, { key }: RecoverOptions): Promise<Outcome> {
  const detections = join(folder, DETECTIONS_FILE);
  const torn = [
    await cutEnd(folder, JOURNAL_FILE, end),
    (await exists(detections)) ? await cutEnd(folder, DETECTIONS_FILE, await endOfLastLine(detections)) : null,
  ].filter((cut) => cut !== null);
  const lastAt = entries.at(-1)?.at ?? '';
  const journal = await Journal.open({ file: join(folder, JOURNAL_FILE), head, position: end, resumedAfter: lastAt });
  try {
    const video = await finishVideo(folder);
    if (wasRecording(entries)) {
      await journal.append({
        type: 'recording-stopped',
        reason: 'interrupted',
        ...(video ?? { detail: null, frames: null, durationMs: null }),
      });
    }
    await journal.seal(key, { type: 'interrupted', lastAt, torn, files: await inventory(folder) });
    return { outcome: 'interrupted', detail: `its last line is of ${lastAt}${video === null ? '' : `; the video ${video.detail}`}` };
  } finally {
    await journal.close();
  }
}

interface Video {
  /** What was done to it, for people. */
  readonly detail: string;
  readonly frames: number | null;
  readonly durationMs: number | null;
}

/** Makes every video file seekable. One that cannot be read is kept as it is. What comes of the last; null when there is none. */
async function finishVideo(folder: string): Promise<Video | null> {
  let last: Video | null = null;
  for (const part of await recordingParts(folder)) last = await finishPart(join(folder, part));
  return last;
}

async function finishPart(file: string): Promise<Video> {
  const { fileBytes, wholeBytes, frames, durationMs, hasHeader } = await outlineOfMp4(file);
  try {
    if (!(await makeSeekable(file))) {
      // Killed between the header and the first frame: no player opens it, and there is nothing in it to keep.
      if (hasHeader || fileBytes === 0) {
        await rm(file);
        return { detail: 'held no frame and was removed', frames: 0, durationMs: 0 };
      }
      return { detail: 'holds no frame that can be found', frames: 0, durationMs: 0 };
    }
    return { detail: `was made seekable, without ${fileBytes - wholeBytes} bytes of an unfinished end`, frames, durationMs };
  } catch (error) {
    return { detail: `was left as it is: ${messageOf(error)}`, frames: null, durationMs: null };
  }
}

function wasRecording(entries: readonly Entry[]): boolean {
  const last = entries.findLast(({ type }) => type === 'recording-started' || type === 'recording-stopped');
  return last?.type === 'recording-started';
}

const TAIL_BYTES = 4096;

/** Whether the last line is a whole seal: then there is nothing to recover. Cheap, so that thousands of procedures do not delay a start. */
async function endsWithSeal(folder: string): Promise<boolean> {
  const file = join(folder, JOURNAL_FILE);
  const size = await stat(file).then(
    (found) => found.size,
    () => 0,
  );
  const from = Math.max(0, size - TAIL_BYTES);
  const tail = size === 0 ? Buffer.alloc(0) : await readRange(file, from, size - from);
  if (tail.at(-1) !== 0x0a) return false;
  const line = tail.subarray(tail.lastIndexOf(0x0a, tail.length - 2) + 1, -1);
  try {
    return (parseLine(line) as { type?: unknown }).type === 'seal';
  } catch {
    return false;
  }
}

/** Died while the folder was made: no whole line of a journal, hence nothing that anybody was told of. */
async function isEmpty(folder: string): Promise<boolean> {
  const early = [DESCRIPTION_FILE, `${DESCRIPTION_FILE}.part`, JOURNAL_FILE, DETECTIONS_FILE];
  const files = await filesBelow(folder);
  return files.every(({ path }) => early.includes(path)) && (await endOfLastLine(join(folder, JOURNAL_FILE))) === 0;
}
