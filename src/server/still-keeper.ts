import type { PreviewFrame } from '../capture/frame.js';
import type { KeptStill } from '../tracking/coverage.js';
import type { Sighting } from '../tracking/sighting.js';

interface Still extends KeptStill {
  /** By which two stills of one landmark compare. */
  readonly value: number;
  readonly jpeg: Uint8Array;
}

/** Longer than the slowest model takes for a frame and a sighting takes to open, µs. */
const REMEMBERED_US = 4_000_000;
/** A preview stream of any rate stays within some tens of megabytes. */
const REMEMBERED_FRAMES = 256;
/** Stills that a better one has just replaced: a page may be on its way to fetch them. */
const REPLACED_STILLS = 32;

/** The best still of each landmark, in memory. Preview pictures wait in a ring until the tracker says which of them is best. */
export class StillKeeper {
  readonly #recent = new Map<number, PreviewFrame>();
  readonly #best = new Map<string, Still>();
  /** Oldest first. */
  readonly #replaced: Still[] = [];

  /** One per landmark. */
  get stills(): readonly KeptStill[] {
    return [...this.#best.values()];
  }

  offer(preview: PreviewFrame): void {
    this.#recent.set(preview.frameId, preview);
    for (const [frameId, { ptsUs }] of this.#recent) {
      if (this.#recent.size <= REMEMBERED_FRAMES && Math.abs(preview.ptsUs - ptsUs) <= REMEMBERED_US) break;
      this.#recent.delete(frameId);
    }
  }

  /** Keeps the sighting's best frame if it beats the still at hand. */
  keep({ landmark, best }: Sighting): void {
    const value = best.quality * best.score;
    const preview = this.#recent.get(best.frameId);
    const replaced = this.#best.get(landmark);
    if (preview === undefined || value <= (replaced?.value ?? -1)) return;
    if (replaced !== undefined && this.#replaced.push(replaced) > REPLACED_STILLS) this.#replaced.shift();
    const { frameId, ptsUs, jpeg } = preview;
    // The picture may be a view into a larger chunk of the pipe, which the copy lets go.
    this.#best.set(landmark, { landmark, frameId, ptsUs, quality: best.quality, value, jpeg: jpeg.slice() });
  }

  /** The picture of a frame of the last seconds; null when it is gone. */
  recent(frameId: number): Uint8Array | null {
    return this.#recent.get(frameId)?.jpeg.slice() ?? null;
  }

  picture(landmark: string, frameId: number): Uint8Array | null {
    const isIt = (still: Still): boolean => still.landmark === landmark && still.frameId === frameId;
    return [...this.#best.values(), ...this.#replaced].find(isIt)?.jpeg ?? null;
  }
}
