/** The frame of a sighting that shows its landmark best: good quality, high class score, away from the sighting's ends. */
export interface BestFrame {
  readonly frameId: number;
  readonly ptsUs: number;
  /** Score of the quality gate, 0…1. */
  readonly quality: number;
  /** Share of the vote for the landmark in that frame, 0…1. */
  readonly score: number;
}

/** An interval during which the tracker holds that one landmark is in view. */
export interface Sighting {
  /** Counts up from 0 over the tracker's life. */
  readonly id: number;
  readonly sourceId: string;
  readonly landmark: string;
  /** First frame that supports it; earlier than the moment at which there was enough evidence to open it. */
  readonly startPtsUs: number;
  readonly startFrameId: number;
  /** Last frame that supports it (so far, while it is open). */
  readonly endPtsUs: number;
  readonly endFrameId: number;
  /** Mean probability of the landmark over the supporting frames, 0…1. */
  readonly confidence: number;
  /** Good frames that support it. */
  readonly frames: number;
  readonly best: BestFrame;
}

/**
 * Why a sighting ended: `faded` evidence was against it, `replaced` another landmark opened, `lost` nothing supported it for
 * too long, `discontinuity` the source's time jumped back or the source changed, `finished` the input ended.
 */
export type CloseReason = 'faded' | 'replaced' | 'lost' | 'discontinuity' | 'finished';

export type SightingEvent =
  | { readonly type: 'sighting-opened'; readonly sighting: Sighting }
  /** A better frame was found while the sighting is open. */
  | { readonly type: 'sighting-improved'; readonly sighting: Sighting }
  | { readonly type: 'sighting-closed'; readonly sighting: Sighting; readonly reason: CloseReason };
