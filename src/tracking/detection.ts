import type { Match } from '../retrieval/match.js';

/** Why a frame was kept from the vote; `good` lets it vote. */
export type QualityVerdict = 'good' | 'blurred' | 'dark' | 'red-out' | 'glare' | 'out-of-body';

export interface FrameQuality {
  readonly verdict: QualityVerdict;
  /** 0 (unusable) … 1 (best), to choose stills by. */
  readonly score: number;
}

/** What was found in one analysed frame, before any memory of earlier frames. */
export interface Detection {
  readonly sourceId: string;
  readonly frameId: number;
  readonly ptsUs: number;
  readonly quality: FrameQuality;
  readonly match: Match;
}
