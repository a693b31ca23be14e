import type { Picture } from './session.js';

/** Times that leap this far ahead of the clock on the wall were not dropped frames. */
const CLOCK_LEAP_US = 2_000_000;

/**
 * Presentation times as the consumer of a source sees them. Every session of ffmpeg counts in its own way; here they follow each other on one
 * clock that only rises, and every frame gets its number.
 */
export class SourceClock {
  readonly #finite: boolean;
  /** Between a session's times and the consumer's, µs; null before the first session. */
  #offsetUs: number | null = null;
  #lastPtsUs: number | null = null;
  #lastCapturedAtMs = 0;
  #nextFrameId = 0;

  /** @param finite The input has times of its own, at which a frame can be found again. */
  constructor(finite: boolean) {
    this.#finite = finite;
  }

  /** Of the newest frame; null before the first. */
  get lastPtsUs(): number | null {
    return this.#lastPtsUs;
  }

  /** A session's time on the consumer's clock, µs. */
  at(sessionUs: number): number {
    return sessionUs + (this.#offsetUs ?? 0);
  }

  /** A session begins with this picture, at `startUs` where that is known. */
  begin(first: Picture, startUs: number | null): void {
    if (startUs !== null) this.#offsetUs = startUs - first.ptsUs;
    else if (this.#finite) this.#offsetUs ??= 0;
    else this.#offsetUs = this.#continued(first);
  }

  /** Number and time of the frame that a picture shows; pictures of one frame share them. */
  stamp(picture: Picture): { readonly frameId: number; readonly ptsUs: number } {
    if (!this.#finite) this.#followLeap(picture);
    const ptsUs = this.at(picture.ptsUs);
    if (ptsUs !== this.#lastPtsUs) {
      this.#lastPtsUs = ptsUs;
      this.#lastCapturedAtMs = picture.capturedAtMs;
      this.#nextFrameId += 1;
    }
    return { frameId: this.#nextFrameId - 1, ptsUs };
  }

  /** Sessions of a live input follow each other with the gap that there really was. */
  #continued(first: Picture): number {
    if (this.#lastPtsUs === null) return -first.ptsUs;
    const gapUs = Math.max(1000, Math.round((first.capturedAtMs - this.#lastCapturedAtMs) * 1000));
    return this.#lastPtsUs + gapUs - first.ptsUs;
  }

  /** A stream whose times leap while its pictures keep coming has changed its clock; ours goes on. */
  #followLeap(picture: Picture): void {
    if (this.#lastPtsUs === null) return;
    const leapUs = this.at(picture.ptsUs) - this.#lastPtsUs;
    const passedUs = (picture.capturedAtMs - this.#lastCapturedAtMs) * 1000;
    if (leapUs - passedUs > CLOCK_LEAP_US) this.#offsetUs = this.#continued(picture);
  }
}
