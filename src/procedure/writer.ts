import { mkdir, open } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProcedureError, UsageError } from '../common/errors.js';
import { sha256Of } from '../common/sha256.js';
import { version } from '../common/version.js';
import { AppendQueue } from './append-queue.js';
import { chainStart } from './chain.js';
import { SYSTEM_CLOCK, type Clock } from './clock-watch.js';
import { DESCRIPTION_SCHEMA, FORMAT_VERSION, type NewProcedure, type ProcedureDescription } from './description.js';
import { DETECTION_SCHEMA, type DetectionLine } from './detection-line.js';
import { syncFolder, writeDurably } from './durable-files.js';
import type { Entry, NewEntry } from './entries.js';
import { inventory } from './inventory.js';
import { Journal } from './journal.js';
import type { InstallationKey } from './key.js';
import { DESCRIPTION_FILE, DETECTIONS_FILE, fileNameFor, JOURNAL_FILE, newProcedureId, proceduresFolder, STILLS_FOLDER } from './paths.js';

export interface WriterOptions {
  readonly procedure: NewProcedure;
  /** Seals the procedure at closing; see `installationKey(home)`. */
  readonly key: InstallationKey;
  readonly clock?: Clock;
}

/** A picture to keep. */
export interface NewStill {
  readonly jpeg: Uint8Array;
  /** `still-kept` by the tracker, or `capture` by hand. */
  readonly type: 'still-kept' | 'capture';
  readonly site: string | null;
  readonly landmark: string | null;
  /** Null for a photograph that was never a frame. */
  readonly frameId: number | null;
  readonly ptsUs: number | null;
  /** Score of the quality gate, 0…1. */
  readonly quality: number | null;
  readonly by?: string;
}

export interface ClosedProcedure {
  readonly id: string;
  readonly folder: string;
  /** Hash of the closing line: keep it elsewhere, and nobody can alter the folder unseen, not even with the key. */
  readonly headHash: string;
}

/**
 * A procedure while it is written. Nothing here waits for anything but the disk; whoever calls from a live path need not await
 * `writeDetection`.
 */
export interface ProcedureWriter {
  readonly id: string;
  readonly folder: string;
  readonly description: ProcedureDescription;
  /** Resolves when the line is on the disk: only then may it be shown as kept. @throws UsageError `journal-entry`, ProcedureError `journal-write`. */
  append<New extends NewEntry>(entry: New): Promise<Entry<New['type']>>;
  /** Resolves when the line was handed to the system; a rejection nobody awaits is no unhandled one, and `failure` keeps the first. */
  writeDetection(line: DetectionLine): Promise<void>;
  /** Writes the picture, then its line in the journal. @throws ProcedureError `still-write`, `journal-write`. */
  addStill(still: NewStill): Promise<Entry<'still-kept' | 'capture'>>;
  /** Why detections could not be written, or null. */
  readonly failure: unknown;
  /**
   * Lists every file with its hash, seals, and closes. Files that are written by others, such as the recording, must be finished. Safe to
   * call twice. @throws ProcedureError when the disk does not take it; the procedure is then recovered at the next start.
   */
  close(by?: string): Promise<ClosedProcedure>;
  /** Closes the files and leaves the procedure open, as a crash does. For when nothing can be written any more. */
  abandon(): Promise<void>;
}

/**
 * Makes the folder of a new procedure in `home` and opens its journal.
 * @throws UsageError `procedure-description` naming the field that is not valid; ProcedureError `procedure-folder` when it cannot be made.
 */
export async function openProcedureWriter(home: string, { procedure, key, clock = SYSTEM_CLOCK }: WriterOptions): Promise<ProcedureWriter> {
  const startedAt = new Date(clock.wallMs());
  const described = describe(procedure, startedAt);
  const parent = proceduresFolder(home);
  const opened: { close(): Promise<void> }[] = [];
  try {
    // Pictures of patients: for nobody else on this machine.
    await mkdir(parent, { recursive: true, mode: 0o700 });
    const id = await makeFolder(parent, startedAt);
    const folder = join(parent, id);
    await mkdir(join(folder, STILLS_FOLDER));
    const description = { ...described, id };
    const bytes = Buffer.from(`${JSON.stringify(description, null, 2)}\n`);
    await writeDurably(join(folder, DESCRIPTION_FILE), bytes);
    const journal = await Journal.open({
      file: join(folder, JOURNAL_FILE),
      head: chainStart(bytes),
      position: 0,
      clock,
      resumedAfter: null,
    });
    opened.push(journal);
    const detections = await open(join(folder, DETECTIONS_FILE), 'wx');
    opened.push(detections);
    await syncFolder(folder);
    await syncFolder(parent);
    const writer = new FolderWriter(folder, description, journal, detections, key);
    await writer.append({
      type: 'opened',
      procedure: id,
      model: description.model.fingerprint,
      gallery: description.gallery.fingerprint,
      software: `lumenmark ${version}`,
      clock: description.clock.source,
    });
    return writer;
  } catch (error) {
    await Promise.allSettled(opened.map((file) => file.close()));
    if (error instanceof ProcedureError) throw error;
    throw new ProcedureError('procedure-folder', `${parent}: a procedure cannot be kept there: ${messageOf(error)}`, {
      remedy: 'Give the right to write there, or choose another place with LUMENMARK_HOME.',
      cause: error,
    });
  }
}

/** What could not be read again is not written. */
function describe({ versions, ...given }: NewProcedure, startedAt: Date): ProcedureDescription {
  const parsed = DESCRIPTION_SCHEMA.safeParse({
    format: 'lumenmark-procedure',
    version: FORMAT_VERSION,
    id: '',
    startedAt: startedAt.toISOString(),
    ...given,
    versions: {
      lumenmark: version,
      node: process.versions.node,
      ffmpeg: versions?.ffmpeg ?? null,
      onnxruntime: versions?.onnxruntime ?? null,
    },
    clock: { source: 'system', timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone },
  });
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UsageError('procedure-description', `${issue?.path.join('.') ?? 'procedure'}: ${issue?.message ?? 'is not valid'}`, {
    remedy: 'Correct the field that is named.',
    cause: parsed.error,
  });
}

/** Two procedures of one second differ by chance; chance is tried again. */
async function makeFolder(parent: string, startedAt: Date): Promise<string> {
  for (let attempt = 0; ; attempt++) {
    const id = newProcedureId(startedAt);
    try {
      await mkdir(join(parent, id));
      return id;
    } catch (error) {
      if (attempt >= 8 || !(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    }
  }
}

class FolderWriter implements ProcedureWriter {
  readonly folder: string;
  readonly description: ProcedureDescription;
  failure: unknown = null;
  readonly #journal: Journal;
  readonly #detections: AppendQueue<string, undefined>;
  readonly #key: InstallationKey;
  readonly #stillNames = new Set<string>();
  #closing: Promise<ClosedProcedure> | null = null;

  constructor(
    folder: string,
    description: ProcedureDescription,
    journal: Journal,
    detections: Awaited<ReturnType<typeof open>>,
    key: InstallationKey,
  ) {
    this.folder = folder;
    this.description = description;
    this.#journal = journal;
    this.#key = key;
    this.#detections = new AppendQueue({
      handle: detections,
      position: 0,
      durable: false,
      encode: (lines) => ({ bytes: Buffer.from(lines.join('')), results: lines.map(() => undefined) }),
    });
  }

  get id(): string {
    return this.description.id;
  }

  append<New extends NewEntry>(entry: New): Promise<Entry<New['type']>> {
    return this.#journal.append(entry);
  }

  writeDetection(line: DetectionLine): Promise<void> {
    // One line with a number that JSON cannot hold would make all detections unreadable.
    const parsed = DETECTION_SCHEMA.safeParse(line);
    const written = parsed.success
      ? this.#detections.append(`${JSON.stringify(line)}\n`)
      : Promise.reject(
          new UsageError('detection-invalid', `${parsed.error.issues[0]?.path.join('.') ?? ''} of a detection cannot be kept`),
        );
    written.catch((error: unknown) => {
      this.failure ??= error;
    });
    return written;
  }

  async addStill({ jpeg, type, site, landmark, frameId, ptsUs, quality, by }: NewStill): Promise<Entry<'still-kept' | 'capture'>> {
    const file = this.#stillPath(landmark ?? site ?? 'capture', frameId);
    try {
      await writeDurably(join(this.folder, file), jpeg);
    } catch (error) {
      throw new ProcedureError('still-write', `${file}: the picture cannot be kept: ${messageOf(error)}`, {
        remedy: 'Free some space on the disk, or check it.',
        cause: error,
      });
    }
    const common = { ...(by === undefined ? {} : { by }), frameId, ptsUs, file, bytes: jpeg.length, sha256: sha256Of(jpeg) };
    return type === 'capture'
      ? this.append({ type, landmark, ...common })
      : this.append({ type, site, landmark: landmark ?? '', quality, ...common });
  }

  close(by?: string): Promise<ClosedProcedure> {
    this.#closing ??= this.#close(by);
    return this.#closing;
  }

  async abandon(): Promise<void> {
    await Promise.allSettled([this.#detections.close(), this.#journal.close()]);
  }

  async #close(by?: string): Promise<ClosedProcedure> {
    try {
      await this.#detections.close();
      const files = await inventory(this.folder);
      const { seal } = await this.#journal.seal(this.#key, { type: 'closed', ...(by === undefined ? {} : { by }), files });
      return { id: this.id, folder: this.folder, headHash: seal.previous };
    } finally {
      await this.abandon();
    }
  }

  /** Labels come from galleries that anybody may have made: none becomes a path. */
  #stillPath(name: string, frameId: number | null): string {
    const stem = `${fileNameFor(name)}${frameId === null ? '' : `-${frameId}`}`;
    for (let copy = 1; ; copy++) {
      const file = `${STILLS_FOLDER}/${stem}${copy === 1 ? '' : `-${copy}`}.jpg`;
      if (this.#stillNames.has(file)) continue;
      this.#stillNames.add(file);
      return file;
    }
  }
}
