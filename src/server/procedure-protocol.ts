/**
 * What the server tells of kept procedures, as JSON, shared with the client. Times are µs of the source (`ptsUs`) or ms (`…Ms`); scores and
 * shares are 0…1.
 */
import type { ChecklistStatistics, TimeStatistics } from '../procedure/catalogue/statistics.js';
import type { ProcedureSummary } from '../procedure/catalogue/summary.js';
import type { ComparedLane } from '../procedure/compare-sightings.js';
import type { ChecklistSummary, CoverageSite, FieldOfView, LabelInfo, QualityVerdict } from './protocol.js';

export type { ChecklistStatistics, ComparedLane, ProcedureSummary, TimeStatistics };

/** `GET /api/procedures` */
export interface ProcedureListAnswer {
  /** Procedures that fit, all pages. */
  total: number;
  procedures: ProcedureSummary[];
  /** Folders among the procedures that cannot be read, and why. */
  unreadable: { folder: string; reason: string }[];
  /** Checklists that occur, for a filter. */
  checklists: { id: string; name: string }[];
  /** Why there is no database; null where there is one. */
  notice: string | null;
}

/** `GET /api/procedures/statistics` */
export interface ProcedureStatisticsAnswer {
  procedures: number;
  checklists: ChecklistStatistics[];
  timers: { total: TimeStatistics | null; inspection: TimeStatistics | null; withdrawal: TimeStatistics | null };
}

/** A video file of a procedure. */
export interface ReplayPart {
  /** Path on this server; takes byte ranges. */
  path: string;
  codec: string;
  /** Time at which the video's own time is 0. */
  originPtsUs: number;
  /** Null where it was not finished. */
  frames: number | null;
  durationMs: number | null;
}

export interface ReplaySighting {
  landmark: string;
  startPtsUs: number;
  endPtsUs: number;
  confidence: number;
  bestPtsUs: number;
  /** When there was enough evidence to open it: from then on it was shown. */
  openedPtsUs: number;
}

export type ReplayEventKind =
  'still' | 'capture' | 'mark' | 'note' | 'pause' | 'resume' | 'source' | 'recording' | 'disk' | 'clock' | 'amendment';

/** Something that the journal tells beside sightings and coverage. */
export interface ReplayEvent {
  kind: ReplayEventKind;
  /** Null for what has no place in the video: amendments. */
  ptsUs: number | null;
  /** ISO 8601, of the machine's clock. */
  at: string;
  by: string;
  /** One line for people. */
  text: string;
  /** What a picture shows, or null. */
  landmark: string | null;
  /** Path of a picture on this server, or null. */
  still: string | null;
}

/** `GET /api/procedures/ID` */
export interface ProcedureReplay {
  summary: ProcedureSummary;
  checklist: ChecklistSummary;
  live: boolean;
  software: string;
  model: { name: string; fingerprint: string };
  gallery: {
    name: string;
    fingerprint: string;
    exemplars: number;
    labels: LabelInfo[];
    /** The gallery that this server has loaded: only then it has the pictures of the exemplars. */
    loaded: boolean;
  };
  analysis: { fps: number | null; policy: 'latest' | 'every'; device: string };
  /** Of the last seal, or null where there is none. */
  headHash: string | null;
  /** Why the journal can be read up to some line only, or null. */
  problem: string | null;
  /** Of the journal, when it was written to last; changes while a procedure is open. */
  startPtsUs: number;
  endPtsUs: number;
  fieldOfView: FieldOfView | null;
  parts: ReplayPart[];
  sightings: ReplaySighting[];
  /** Every change of coverage, in order: the last one at or before a time holds then. Amendments of auditors are not among them. */
  coverage: { ptsUs: number; sites: CoverageSite[] }[];
  /** In order of their times. */
  events: ReplayEvent[];
}

/** `GET /api/procedures/ID/track`: every analysed frame, one array for each field, all of the same length. */
export interface ReplayTrack {
  /** What the numbers in `landmark` and `frameLabel` stand for; -1 is none. */
  labels: string[];
  /** What the numbers in `quality` stand for. */
  verdicts: QualityVerdict[];
  frameId: number[];
  ptsUs: number[];
  /** What the tracker held to be in view, and its probability. */
  landmark: number[];
  score: number[];
  /** The answer of the frame alone. */
  frameLabel: number[];
  frameScore: number[];
  /** 0 or 1 */
  known: number[];
  quality: number[];
  qualityScore: number[];
  /** From the frame to its annotation, ms; null where there was no live picture to be late for. */
  annotationAgeMs: (number | null)[];
}

/** `GET /api/procedures/ID/detections?from=µs&to=µs`: at most 500 analysed frames, with what they resembled. */
export interface ReplayDetections {
  detections: {
    frameId: number;
    ptsUs: number;
    scores: { label: string; score: number }[];
    /** Nearest first, at most 12. */
    neighbours: { exemplar: number; label: string; similarity: number }[];
  }[];
  /** Where to go on; null when there are no more. */
  nextPtsUs: number | null;
}

/** `GET /api/procedures/ID/verification` */
export interface ProcedureVerification {
  verdict: 'intact' | 'unfinished' | 'altered';
  /** One line each; empty when intact. */
  findings: string[];
  lines: number;
  files: number;
  headHash: string | null;
  /** Whose key sealed it. */
  key: 'expected' | 'own' | 'unknown' | null;
}

/** `POST` and `GET /api/procedures/ID/reanalysis` */
export interface ProcedureReanalysis {
  state: 'none' | 'running' | 'done' | 'failed';
  /** Analysed so far, and to be analysed. */
  frames: number;
  totalFrames: number;
  result: ReanalysisResult | null;
  /** Why it failed. */
  message: string | null;
}

/** What came of analysing a recording again. */
export interface ReanalysisResult {
  model: string;
  gallery: string;
  /** Same model and gallery as then. */
  sameModel: boolean;
  /** The tracker, run again over the kept detections, gives the kept sightings to the last bit; null where the checklist was changed on the way. */
  trackerIdentical: boolean | null;
  /** Frames whose class scores are the same to the last bit, of those that were compared. */
  identicalFrames: number;
  comparedFrames: number;
  /** Frames that were analysed then and are not in the recording. */
  missingFrames: number;
  /** Sightings are the same: landmarks, frames and confidence. */
  identicalSightings: boolean;
  /** Share of the analysed time at which both hold the same landmark, or none, 0…1. */
  agreement: number;
  lanes: ComparedLane[];
  sightings: ReplaySighting[];
}
