/**
 * The messages of `lumenmark.v1`, shared by server and client. Binary messages are MessagePack, text messages JSON of the same
 * objects (without `jpeg`). Times are µs of the source (`ptsUs`) or ms (`…Ms`); scores and shares are 0…1.
 */
import type { FieldOfView, SourceStateName } from '../capture/frame.js';
import type { QualityVerdict } from '../tracking/detection.js';

export const SUBPROTOCOL = 'lumenmark.v1';

export type SiteState = 'unsupported' | 'unseen' | 'seen' | 'documented';

/** The detection that a frame is drawn with. */
export interface FrameDetection {
  /** The frame it was computed on. Smaller than the message's own `frameId` when carried. */
  frameId: number;
  ptsUs: number;
  /** True when `frameId` is not the frame this is drawn on. */
  carried: boolean;
  /** Best class of that frame alone; null when the frame was unknown or failed the quality gate. */
  label: string | null;
  /** Its share of the vote. */
  score: number;
  known: boolean;
  quality: QualityVerdict;
}

/** First message of a connection, and again when the source, gallery or checklist changes. */
export interface HelloMessage {
  type: 'hello';
  protocol: typeof SUBPROTOCOL;
  software: string;
  source: { id: string; label: string; live: boolean; simulated: boolean } | null;
  sources: { id: string; label: string }[];
  model: { name: string; fingerprint: string } | null;
  gallery: { name: string; exemplars: number; labels: string[] } | null;
  checklist: ChecklistSummary | null;
  fieldOfView: FieldOfView | null;
}

export interface ChecklistSummary {
  id: string;
  name: string;
  citation: string;
  /** `verified`, or a sentence that tells the reader to check against the publication. */
  status: string;
  sites: { id: string; name: string; landmarks: string[]; optional: boolean }[];
}

/** One displayed frame. */
export interface FrameMessage {
  type: 'frame';
  sourceId: string;
  frameId: number;
  ptsUs: number;
  /** Field of view as JPEG. */
  jpeg: Uint8Array;
  /** Null until the first analysed frame. */
  detection: FrameDetection | null;
}

/** One analysed frame. */
export interface TrackingMessage {
  type: 'tracking';
  sourceId: string;
  frameId: number;
  ptsUs: number;
  /** What the tracker holds to be in view, or null. */
  landmark: string | null;
  /** The tracker's probability of `landmark` (of nothing, when null). */
  score: number;
  /** Answer of the frame alone. */
  frameLabel: string | null;
  frameScore: number;
  known: boolean;
  quality: QualityVerdict;
  qualityScore: number;
  /** Since the frame left the demuxer, ms. */
  annotationAgeMs: number;
}

export interface CoverageMessage {
  type: 'coverage';
  sourceId: string;
  checklistId: string;
  sites: {
    id: string;
    state: SiteState;
    sightings: number;
    /** Time in view, all sightings, ms. */
    dwellMs: number;
    /** Path of the best still on this server, or null. */
    still: string | null;
    /** Frame of the best still, or null. */
    stillFrameId: number | null;
  }[];
}

/** Something happened. */
export type EventMessage =
  | { type: 'event'; event: 'source'; sourceId: string; state: SourceStateName; detail?: string; reconnects: number }
  | { type: 'event'; event: 'field-of-view'; sourceId: string; fieldOfView: FieldOfView }
  | { type: 'event'; event: 'sighting-opened'; sourceId: string; landmark: string; startPtsUs: number }
  | {
      type: 'event';
      event: 'sighting-closed';
      sourceId: string;
      landmark: string;
      startPtsUs: number;
      endPtsUs: number;
      bestFrameId: number;
      confidence: number;
    };

/** Once a second. */
export interface StatsMessage {
  type: 'stats';
  sourceId: string;
  previewFps: number;
  analysedFps: number;
  /** Analysis frames replaced by a newer one before inference took them. */
  droppedFrames: number;
  /** Frames not sent to this client because it was too slow. */
  clientDroppedFrames: number;
  /** p50 and p95 over the last second, ms. */
  annotationAgeMs: { p50: number; p95: number };
  inferenceMs: number;
}

export interface ErrorMessage {
  type: 'error';
  code: string;
  message: string;
  remedy?: string;
}

export type ServerMessage =
  | HelloMessage
  | FrameMessage
  | TrackingMessage
  | CoverageMessage
  | EventMessage
  | StatsMessage
  | ErrorMessage;
