import { readdir, stat } from 'node:fs/promises';
import { basename, extname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { MediaError, messageOf } from '../common/errors.js';
import { decodeStill, lumaOf, squashStill, STILL_EXTENSIONS, thumbnailOf, type Still } from '../media/stills.js';
import { fieldOfViewOf, scaleFieldOfView } from './field-of-view.js';
import type { CaptureEvent, FieldOfView, SourceState, SourceStateName } from './frame.js';
import type { Input } from './input.js';
import { parseFieldOfView, type SourceOptions } from './options.js';

/** Pictures a second of a slide show, unless `input.fps` says otherwise. */
const SLIDES_PER_SECOND = 1;
const LOOK_WIDTH = 640;
/** JPEG quality 2…31 as ffmpeg counts, in per cent. */
const PERCENT = (quality: number): number => Math.max(30, Math.min(95, Math.round(97 - 3 * quality)));

/** A folder of photographs, or a single one, as a source: every picture has a field of view of its own. */
export class StillsCapture {
  readonly label: string;
  readonly live: boolean;
  readonly #options: SourceOptions;
  readonly #ffmpegPath: string;
  readonly #files: readonly string[];
  readonly #disposed = new AbortController();
  #state: SourceStateName | null = null;

  private constructor(options: SourceOptions, input: Input, ffmpegPath: string, files: readonly string[]) {
    this.#options = options;
    this.#ffmpegPath = ffmpegPath;
    this.#files = files;
    this.label = input.label;
    this.live = options.pace === 'realtime';
  }

  /** @throws MediaError when there is no picture, or the only one cannot be read. */
  static async open(options: SourceOptions, input: Input, ffmpegPath: string): Promise<StillsCapture> {
    const files = (await stat(input.address)).isDirectory() ? await stillsIn(input.address) : [input.address];
    if (files.length === 0) {
      throw new MediaError('no-stills', `${input.address} holds no pictures.`, {
        remedy: `Put pictures into it (${STILL_EXTENSIONS.join(', ')}), or name another folder.`,
      });
    }
    if (files.length === 1) await decodeStill(files[0] ?? '', { ffmpegPath });
    return new StillsCapture(options, input, ffmpegPath, files);
  }

  setRecording(): void {
    // Photographs are kept by whoever took them.
  }

  dispose(): Promise<void> {
    this.#disposed.abort();
    return Promise.resolve();
  }

  async *events(): AsyncGenerator<CaptureEvent, void, undefined> {
    const { signal } = this.#disposed;
    const periodMs = 1000 / (this.#options.input?.fps ?? SLIDES_PER_SECOND);
    const unreadable: string[] = [];
    let announced: FieldOfView | null = null;
    let frameId = 0;
    let slide = 0;
    const startedAtMs = performance.now();
    yield* this.#enter('connecting');
    do {
      const before = frameId;
      for (const file of this.#files) {
        if (signal.aborted) return;
        const still = await this.#decode(file, unreadable);
        const slot = slide;
        slide += 1;
        if (still === null) continue;
        if (this.live) {
          try {
            await sleep(Math.max(0, startedAtMs + slot * periodMs - performance.now()), undefined, { signal });
          } catch {
            return;
          }
        }
        const fieldOfView = await this.#fieldOfView(still);
        if (announced === null || !isSame(fieldOfView, announced)) {
          announced = fieldOfView;
          yield { type: 'field-of-view', fieldOfView, ...(this.#options.keepBorders === true ? { wholePreview: true } : {}) };
        }
        yield* this.#enter('running');
        yield* this.#frames(still, fieldOfView, frameId, Math.round(slot * periodMs * 1000));
        frameId += 1;
      }
      if (frameId === before) break;
    } while (this.#options.loop === true);

    const [first] = unreadable;
    if (frameId === 0 && first !== undefined) {
      const error = new MediaError('no-stills', `None of the ${this.#files.length} pictures of ${this.label} can be read: ${first}`);
      yield* this.#enter('failed', error.message);
      throw error;
    }
    yield* this.#enter(
      'ended',
      first === undefined ? undefined : `${unreadable.length} of ${this.#files.length} pictures left out: ${first}`,
    );
  }

  async #decode(file: string, unreadable: string[]): Promise<Still | null> {
    try {
      return await decodeStill(file, { ffmpegPath: this.#ffmpegPath, signal: this.#disposed.signal });
    } catch (error) {
      if (!this.#disposed.signal.aborted) unreadable.push(messageOf(error));
      return null;
    }
  }

  async #fieldOfView(still: Still): Promise<FieldOfView> {
    const { width: sourceWidth, height: sourceHeight } = still;
    const whole = { x: 0, y: 0, width: sourceWidth, height: sourceHeight, sourceWidth, sourceHeight };
    const asked = parseFieldOfView(this.#options.fieldOfView ?? 'auto');
    if (asked === 'none') return whole;
    if (asked === 'auto') {
      const found = fieldOfViewOf(await lumaOf(still, LOOK_WIDTH));
      return found === null ? whole : scaleFieldOfView(found, sourceWidth, sourceHeight);
    }
    const fits = asked.x + asked.width <= sourceWidth && asked.y + asked.height <= sourceHeight;
    return fits ? { ...asked, sourceWidth, sourceHeight } : whole;
  }

  async *#frames(still: Still, fieldOfView: FieldOfView, frameId: number, ptsUs: number): AsyncGenerator<CaptureEvent, void, undefined> {
    const { id: sourceId, preview, analysis, keepBorders } = this.#options;
    const times = { sourceId, frameId, ptsUs, capturedAtMs: performance.now() };
    if (preview !== null) {
      const quality = PERCENT(preview.quality ?? 4);
      const jpeg = await thumbnailOf(still, keepBorders === true ? null : fieldOfView, { maxSide: preview.width, quality });
      yield { type: 'preview', ...times, jpeg };
    }
    if (analysis === null) return;
    const { width, height } = analysis;
    yield { type: 'analysis', ...times, width, height, pixels: await squashStill(still, fieldOfView, { width, height }) };
  }

  *#enter(state: SourceStateName, detail?: string): Generator<SourceState, void, undefined> {
    if (this.#state === state) return;
    this.#state = state;
    yield { type: 'state', state, reconnects: 0, ...(detail === undefined ? {} : { detail }) };
  }
}

/** All pictures below a folder, in the order a person expects: 2 before 10. */
async function stillsIn(folder: string): Promise<string[]> {
  const { compare } = new Intl.Collator('en', { numeric: true, sensitivity: 'base' });
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  return entries
    .filter(
      (entry) => entry.isFile() && !basename(entry.name).startsWith('.') && STILL_EXTENSIONS.includes(extname(entry.name).toLowerCase()),
    )
    .map((entry) => join(entry.parentPath, entry.name))
    .sort(compare);
}

function isSame(a: FieldOfView, b: FieldOfView): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
