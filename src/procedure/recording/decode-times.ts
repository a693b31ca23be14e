import type { RecordedPacket } from '../../capture/frame.js';
import type { VideoSample } from '../../media/fragmented-mp4.js';

/**
 * Gives packets, which know only when they are shown, a time to be decoded: the times of showing in rising order, handed out in the order of
 * decoding. Up to `reorder` packets are held back until theirs is certain; 0 where frames are shown in the order in which they are decoded.
 */
export class DecodeTimes {
  readonly #reorder: number;
  readonly #held: Omit<VideoSample, 'decodeMs'>[] = [];
  /** Times of showing that were not handed out yet, rising. */
  readonly #times: number[] = [];
  #lastMs = -1;

  constructor(reorder: number) {
    this.#reorder = reorder;
  }

  /** The samples that became certain. `originPtsUs` is the video's own time 0. */
  push({ ptsUs, keyframe, data }: RecordedPacket, originPtsUs: number): VideoSample[] {
    let presentMs = Math.round((ptsUs - originPtsUs) / 1000);
    // A clock that stands still must not make two frames one.
    if (this.#reorder === 0) presentMs = Math.max(presentMs, this.#lastMs + 1);
    this.#held.push({ presentMs, keyframe, data });
    const at = this.#times.findLastIndex((time) => time <= presentMs) + 1;
    this.#times.splice(at, 0, presentMs);
    return this.#take(this.#reorder);
  }

  /** The rest, when no more packets come. */
  flush(): VideoSample[] {
    return this.#take(0);
  }

  #take(kept: number): VideoSample[] {
    const samples: VideoSample[] = [];
    while (this.#held.length > kept) {
      const packet = this.#held.shift();
      if (packet === undefined) break;
      const decodeMs = Math.max(this.#lastMs + 1, this.#times.shift() ?? 0);
      this.#lastMs = decodeMs;
      samples.push({ ...packet, decodeMs });
    }
    return samples;
  }
}
