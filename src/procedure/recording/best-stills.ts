import type { BestFrame, Sighting } from '../../tracking/sighting.js';
import type { HeldFrame } from './still-cutter.js';

interface Candidate {
  readonly landmark: string;
  readonly best: BestFrame;
  readonly value: number;
  held: HeldFrame | null;
  readonly sinceUs: number;
}

export interface DueStill {
  readonly landmark: string;
  readonly best: BestFrame;
  readonly held: HeldFrame | null;
}

/** A sighting that lasts gets its best frame so far kept this often, µs: a crash must not cost all of it. */
const KEEP_EVERY_US = 5_000_000;

/**
 * Which frame of which landmark is to be kept as a still: the best one of a sighting when it closes, and now and then while it lasts, where it
 * beats what is kept already. The packets of a candidate are held as soon as it is one. Pure but for its memory.
 */
export class BestStills {
  readonly #hold: (ptsUs: number) => HeldFrame | null;
  readonly #open = new Map<number, Candidate>();
  readonly #kept = new Map<string, number>();

  constructor(hold: (ptsUs: number) => HeldFrame | null) {
    this.#hold = hold;
  }

  /** A sighting has opened, or has a better frame. */
  offer({ id, landmark, best }: Sighting): void {
    const before = this.#open.get(id);
    if (before?.best.frameId === best.frameId) return;
    const sinceUs = before?.sinceUs ?? best.ptsUs;
    this.#open.set(id, { landmark, best, value: best.quality * best.score, held: this.#hold(best.ptsUs), sinceUs });
  }

  /** A frame may be recorded just after it was analysed. */
  retry(): void {
    for (const candidate of this.#open.values()) candidate.held ??= this.#hold(candidate.best.ptsUs);
  }

  /** What is to be kept at this time of the source while sightings last. */
  due(nowUs: number): DueStill[] {
    return [...this.#open].flatMap(([id, candidate]) => {
      if (nowUs - candidate.sinceUs < KEEP_EVERY_US) return [];
      this.#open.set(id, { ...candidate, sinceUs: nowUs });
      return this.#take(candidate);
    });
  }

  /** What is to be kept of a sighting that closes. */
  close(sighting: Sighting): DueStill[] {
    this.offer(sighting);
    const candidate = this.#open.get(sighting.id);
    this.#open.delete(sighting.id);
    return candidate === undefined ? [] : this.#take(candidate);
  }

  #take({ landmark, best, value, held }: Candidate): DueStill[] {
    if (value <= (this.#kept.get(landmark) ?? 0)) return [];
    this.#kept.set(landmark, value);
    return [{ landmark, best, held: held ?? this.#hold(best.ptsUs) }];
  }
}
