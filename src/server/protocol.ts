/**
 * The messages of `lumenmark.v1`, shared by server and client. Binary messages are MessagePack, text messages JSON of the same
 * objects (without `jpeg`). Times are µs of the source (`ptsUs`) or ms (`…Ms`); scores and shares are 0…1.
 */
import type { FieldOfView, SourceStateName } from '../capture/frame.js';
import type { ClassKind } from '../common/landmarks.js';
import type { QualityVerdict } from '../tracking/detection.js';

export type { FieldOfView, SourceStateName, ClassKind, QualityVerdict };

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
  gallery: { name: string; exemplars: number; labels: LabelInfo[] } | null;
  checklist: ChecklistSummary | null;
  fieldOfView: FieldOfView | null;
}

/** A label of the gallery, with its name for people. */
export interface LabelInfo {
  id: string;
  name: string;
  /** Only a `landmark` names an anatomical place and can become a sighting. */
  kind: ClassKind;
}

export interface ChecklistSummary {
  id: string;
  name: string;
  citation: string;
  /** `verified`, or a sentence that tells the reader to check against the publication. */
  status: string;
  sites: { id: string; name: string; landmarks: string[]; optional: boolean }[];
}

/** One displayed frame. The only type that a slow client loses. In JSON text it has no `jpeg`. */
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
  /** Nearest exemplars of this frame, best first, at most 5; their pictures are at `/thumbnails/EXEMPLAR.jpg`. */
  neighbours: { exemplar: number; label: string; similarity: number }[];
}

export interface CoverageMessage {
  type: 'coverage';
  sourceId: string;
  checklistId: string;
  sites: CoverageSite[];
}

/** One site of the checklist, as it stands. */
export interface CoverageSite {
  id: string;
  state: SiteState;
  sightings: number;
  /** Time in view, all sightings, ms. */
  dwellMs: number;
  /** Path of the best still on this server, or null. */
  still: string | null;
  /** Frame of the best still, or null. */
  stillFrameId: number | null;
  /** Set when a person set `state`: who, and why. What the tracker found stands in the other fields. */
  byHand: { by: string; reason: string } | null;
}

/** The procedure that is kept of this source, on every change and once a second. Not sent where procedures cannot be kept. */
export interface ProcedureMessage {
  type: 'procedure';
  sourceId: string;
  /** `none`: none was started since the source was opened; the other fields are then empty. */
  state: 'none' | 'open' | 'closing' | 'closed' | 'failed';
  id: string | null;
  /** Free text of the user. */
  label: string | null;
  operator: string | null;
  /** ISO 8601. */
  startedAt: string | null;
  /** Since the start, ms. */
  totalMs: number;
  /** Upper tract: from the first to the last frame inside the body, ms. */
  inspectionMs: number | null;
  /** Lower tract: inside the body since the last evidence of the caecum, without pauses, ms. */
  withdrawalMs: number | null;
  /** An intervention is under way. */
  paused: boolean;
  /** `none`: this source cannot be recorded; `waiting`: no frame has come yet; `stopped`: for good. */
  video: 'none' | 'waiting' | 'running' | 'stopped';
  recordedFrames: number;
  recordedBytes: number;
  /** `low`: an early warning; `full`: the video has stopped. `lastsMs`: until it is full at this rate, ms. Null until it was looked at. */
  disk: { state: 'ok' | 'low' | 'full'; freeBytes: number; lastsMs: number | null } | null;
  /** Stills taken by hand. */
  captures: number;
  /** Stills that the tracker chose. */
  stills: number;
  /** Sites set, notes, pauses. */
  marks: number;
  /** What went wrong, for people. */
  trouble: string | null;
  /** Hash by which a closed procedure can be held to what it was. */
  headHash: string | null;
}

/** Something happened. */
export type EventMessage = HappenedMessage & {
  /** True when it happened before this client connected: one of the sightings that a newcomer is told of. */
  past?: true;
};

export type HappenedMessage =
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
  /** p50 and p95 over the last second, ms. */
  annotationAgeMs: { p50: number; p95: number };
  inferenceMs: number;
  /** From demuxer to socket, last second, ms; null when no frame was sent. */
  previewDelayMs: { p50: number; p95: number } | null;
  /** Frames not sent to this client because it was too slow, since it connected. */
  clientDroppedFrames: number;
  /** From socket to this client's screen and back, median of the last second, ms; null for a client that does not report `drawn`. */
  drawDelayMs: number | null;
}

/** Answer to a client's `ping`. */
export interface PongMessage {
  type: 'pong';
  id: number;
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
  | ProcedureMessage
  | EventMessage
  | StatsMessage
  | PongMessage
  | ErrorMessage;

/**
 * What a client may send, as JSON text of at most 4 KiB. Nothing has to be sent.
 *
 * `drawn` says that the frame, and with it every earlier one, was drawn or given up. A client that reports it is never sent
 * more than `FRAMES_IN_FLIGHT` frames ahead of its reports, so that no picture waits in the buffers of the network.
 */
export type ClientMessage = { type: 'ping'; id: number } | { type: 'drawn'; sourceId: string; frameId: number };

export const FRAMES_IN_FLIGHT = 8;
