import type { FieldOfView, PreviewFrame, SourceState } from '../capture/frame.js';
import { classInfo } from '../common/landmarks.js';
import type { TimedDetection } from '../pipeline.js';
import type { LiveProcedureStatus } from '../procedure/recording/live-options.js';
import type { Checklist } from '../tracking/checklist.js';
import type { Coverage } from '../tracking/coverage.js';
import type { SightingEvent } from '../tracking/sighting.js';
import type { Current } from '../tracking/tracker.js';
import type {
  ChecklistSummary,
  CoverageMessage,
  EventMessage,
  FrameDetection,
  LabelInfo,
  ProcedureMessage,
  TrackingMessage,
} from './protocol.js';
import type { SessionFrame } from './session.js';

/** What the overlay shows as evidence beside a detection. */
const NEIGHBOURS_SENT = 5;

export function labelInfo(id: string): LabelInfo {
  const { name, kind } = classInfo(id);
  return { id, name, kind };
}

export function checklistSummary(checklist: Checklist): ChecklistSummary {
  const { id, name, citation, status, sites } = checklist;
  return { id, name, citation, status, sites: sites.map((site) => ({ ...site, landmarks: [...site.landmarks] })) };
}

/** The answer of a frame alone; a frame that may not vote answers nothing. */
function answerOf({ match, quality }: TimedDetection): { label: string | null; score: number } {
  const [best] = match.scores;
  return match.known && quality.verdict === 'good' && best !== undefined ? best : { label: null, score: 0 };
}

export function frameMessage(preview: PreviewFrame, detection: TimedDetection | null): SessionFrame {
  const { sourceId, frameId, ptsUs, capturedAtMs, jpeg } = preview;
  return { type: 'frame', sourceId, frameId, ptsUs, capturedAtMs, jpeg, detection: detection && frameDetection(detection, frameId) };
}

function frameDetection(detection: TimedDetection, drawnOnFrameId: number): FrameDetection {
  const { frameId, ptsUs, match, quality } = detection;
  return { frameId, ptsUs, carried: frameId !== drawnOnFrameId, ...answerOf(detection), known: match.known, quality: quality.verdict };
}

export function trackingMessage(detection: TimedDetection, current: Current, nowMs: number): TrackingMessage {
  const { sourceId, frameId, ptsUs, match, quality, capturedAtMs } = detection;
  const answer = answerOf(detection);
  return {
    type: 'tracking',
    sourceId,
    frameId,
    ptsUs,
    landmark: current.landmark,
    score: current.score,
    frameLabel: answer.label,
    frameScore: answer.score,
    known: match.known,
    quality: quality.verdict,
    qualityScore: quality.score,
    annotationAgeMs: nowMs - capturedAtMs,
    neighbours: match.neighbours.slice(0, NEIGHBOURS_SENT).map((neighbour) => ({ ...neighbour })),
  };
}

export function sourceEvent(sourceId: string, { state, detail, reconnects }: SourceState): EventMessage {
  return { type: 'event', event: 'source', sourceId, state, reconnects, ...(detail === undefined ? {} : { detail }) };
}

export function fieldOfViewEvent(sourceId: string, fieldOfView: FieldOfView): EventMessage {
  return { type: 'event', event: 'field-of-view', sourceId, fieldOfView };
}

/** Null for what only concerns the stills. */
export function sightingEvent({ type, sighting }: SightingEvent): EventMessage | null {
  const { sourceId, landmark, startPtsUs, endPtsUs, confidence, best } = sighting;
  switch (type) {
    case 'sighting-opened':
      return { type: 'event', event: 'sighting-opened', sourceId, landmark, startPtsUs };
    case 'sighting-closed':
      return { type: 'event', event: 'sighting-closed', sourceId, landmark, startPtsUs, endPtsUs, bestFrameId: best.frameId, confidence };
    case 'sighting-improved':
      return null;
  }
}

const NO_PROCEDURE: Omit<ProcedureMessage, 'type' | 'sourceId'> = {
  ...{ state: 'none', id: null, label: null, operator: null, startedAt: null, totalMs: 0, inspectionMs: null, withdrawalMs: null },
  ...{ paused: false, video: 'none', recordedFrames: 0, recordedBytes: 0, disk: null, captures: 0, stills: 0, marks: 0 },
  ...{ trouble: null, headHash: null },
};

export function procedureMessage(sourceId: string, status: LiveProcedureStatus | null): ProcedureMessage {
  return { type: 'procedure', sourceId, ...(status ?? NO_PROCEDURE) };
}

/** `stillPath` answers where this server keeps the still of a frame; `byHand` who set the state of a site, and why. */
export function coverageMessage(
  sourceId: string,
  coverage: Coverage,
  stillPath: (landmark: string, frameId: number) => string,
  byHand: (siteId: string) => { by: string; reason: string } | null,
): CoverageMessage {
  return {
    type: 'coverage',
    sourceId,
    checklistId: coverage.checklistId,
    sites: coverage.sites.map(({ id, state, sightings, dwellMs, still }) => ({
      id,
      state,
      sightings,
      dwellMs,
      still: still && stillPath(still.landmark, still.frameId),
      stillFrameId: still && still.frameId,
      byHand: byHand(id),
    })),
  };
}
