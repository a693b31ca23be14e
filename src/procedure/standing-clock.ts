/** As many as a sloppy container may give by rounding. */
const TOLERATED_FRAMES = 4;

/** ffmpeg gives a frame that would go back the time of the one before, or a millisecond more where times must rise. */
const HELD_US = 1500;

/**
 * Watches the times of a video's frames, in the order in which they come. Joined recordings and devices that were reset go back in time; those
 * frames are held at the last time before, where they can be neither tracked nor timed.
 */
export class StandingClock {
  #lastUs = -Infinity;
  #frames = 0;
  #sinceUs = 0;

  take(ptsUs: number): void {
    const advances = ptsUs > this.#lastUs + HELD_US;
    this.#lastUs = Math.max(this.#lastUs, ptsUs);
    if (advances) return;
    if (this.#frames === 0) this.#sinceUs = ptsUs;
    this.#frames += 1;
  }

  /** One sentence for people, or null. */
  warning(video: string): string | null {
    if (this.#frames <= TOLERATED_FRAMES) return null;
    return `The clock of ${video} goes back or stands still from ${(this.#sinceUs / 1e6).toFixed(1)} s on: ${this.#frames} frames have no time of their own and do not count. Give them rising times (ffmpeg -i OLD -c copy NEW.mp4) and audit it again.`;
  }
}
