import { classInfo } from '../common/landmarks.js';
import { createChain, inView, update, type Belief } from './belief.js';
import type { Detection, FrameQuality } from './detection.js';
import { createEvidenceReader, isOfTract, type Evidence } from './evidence.js';
import { resolveTrackerOptions, type ResolvedTrackerOptions, type TrackerOptions } from './options.js';
import { bestFrame, extendRun, joinRuns, type FrameRef, type Run, type SupportingFrame } from './run.js';
import type { CloseReason, Sighting, SightingEvent } from './sighting.js';

/** A landmark that has evidence but no sighting yet. */
export interface Candidate {
  /**
   * Page's cumulative sum: log-odds of the landmark against its best rival, added up and reset at zero. The frame after the
   * reset is the likeliest moment at which the landmark came into view, and becomes the sighting's start.
   */
  readonly logOdds: number;
  readonly run: Run;
}

export interface OpenSighting {
  readonly id: number;
  /** Index in the tracker's landmarks. */
  readonly landmark: number;
  readonly run: Run;
  /** Good frames since the last supporting one. */
  readonly disagreeing: number;
  /** Out of view, but it may come back in time to be the same sighting. */
  readonly fading: boolean;
  /** Best frame as last told in an event. */
  readonly bestFrameId: number;
}

/** Everything the tracker remembers; plain data, never changed in place. */
export interface TrackerState {
  readonly sourceId: string | null;
  readonly lastPtsUs: number | null;
  readonly lastEvidencePtsUs: number | null;
  readonly belief: Belief;
  /** By landmark index. */
  readonly candidates: readonly (Candidate | null)[];
  readonly open: OpenSighting | null;
  /** End of the sighting before, which the next one may not start before. */
  readonly lastEnd: FrameRef | null;
  readonly nextId: number;
}

export interface Current {
  /** What the tracker holds to be in view, or null. */
  readonly landmark: string | null;
  /** Probability of `landmark` (of nothing, when null), 0…1. */
  readonly score: number;
}

/** Probabilities after a frame; they sum to 1. */
export interface Posterior {
  readonly nothing: number;
  readonly landmarks: Readonly<Record<string, number>>;
}

export interface TrackingStep {
  readonly state: TrackerState;
  readonly current: Current;
  readonly posterior: Posterior;
  /** In order: a sighting closes before another opens. */
  readonly events: readonly SightingEvent[];
}

/**
 * Turns the matches of single frames into sightings: a Bayesian forward filter over the gallery's landmarks and "nothing", with
 * hysteresis on top. It is a pure function of its input, one source at a time; time is `ptsUs` and nothing else.
 *
 * When `ptsUs` jumps back or the source changes, what is open closes and the filter starts afresh; a second detection with the
 * same `ptsUs` adds no evidence.
 */
export interface Tracker {
  readonly options: ResolvedTrackerOptions;
  /** Landmarks of the examined tract among the gallery's labels, in the labels' order. */
  readonly landmarks: readonly string[];
  initialState(): TrackerState;
  step(state: TrackerState, detection: Detection): TrackingStep;
  /** Closes what is open; the state may be used again. */
  finish(state: TrackerState): { readonly state: TrackerState; readonly events: readonly SightingEvent[] };
  /** The sighting that is open, as it would read if it ended now; null when none is. */
  openSighting(state: TrackerState): Sighting | null;
}

/** Evidence beyond this log-odds does not make a candidate harder to reset. */
const MAX_CANDIDATE_LOG_ODDS = 6;

/** @throws UsageError when an option is not valid. */
export function createTracker(options: TrackerOptions): Tracker {
  const resolved = resolveTrackerOptions(options);
  const landmarks = [...new Set(resolved.labels)].filter(
    (label) => classInfo(label).kind === 'landmark' && isOfTract(label, resolved.tract),
  );
  const readEvidence = createEvidenceReader(landmarks, resolved);
  const chain = createChain(landmarks, resolved);
  const edgeUs = resolved.edgeMs * 1000;
  const bridgeUs = resolved.bridgeMs * 1000;

  const initialState = (): TrackerState => ({
    sourceId: null,
    lastPtsUs: null,
    lastEvidencePtsUs: null,
    belief: chain.start,
    candidates: landmarks.map(() => null),
    open: null,
    lastEnd: null,
    nextId: 0,
  });

  function sightingOf(open: OpenSighting, sourceId: string, end: FrameRef = open.run.last): Sighting {
    const { run } = open;
    return {
      id: open.id,
      sourceId,
      landmark: landmarks[open.landmark] ?? '',
      startPtsUs: run.start.ptsUs,
      startFrameId: run.start.frameId,
      endPtsUs: end.ptsUs,
      endFrameId: end.frameId,
      confidence: run.probabilitySum / run.frames,
      frames: run.frames,
      best: bestFrame(run, edgeUs),
    };
  }

  function finish(state: TrackerState, reason: CloseReason = 'finished'): { state: TrackerState; events: SightingEvent[] } {
    const events: SightingEvent[] =
      state.open === null ? [] : [{ type: 'sighting-closed', sighting: sightingOf(state.open, state.sourceId ?? ''), reason }];
    return { state: { ...initialState(), nextId: state.nextId }, events };
  }

  /** Candidates after a frame. The landmark of an open sighting needs none unless it is fading. */
  function nextCandidates(
    state: TrackerState,
    evidence: Evidence | null,
    weight: number,
    frame: SupportingFrame | null,
    ptsUs: number,
  ): (Candidate | null)[] {
    return state.candidates.map((candidate, k) => {
      if (state.open?.landmark === k && !state.open.fading) return null;
      const kept = candidate !== null && ptsUs - candidate.run.last.ptsUs > bridgeUs ? null : candidate;
      if (evidence === null) return kept;
      const supported = evidence.supports === k && frame !== null;
      if (kept === null && !supported) return null;
      const logOdds = Math.min(MAX_CANDIDATE_LOG_ODDS, (kept?.logOdds ?? 0) + weight * logOddsOf(evidence.likelihoods, 1 + k));
      if (logOdds <= 0) return null;
      if (supported) return { logOdds, run: extendRun(kept?.run ?? null, frame, edgeUs) };
      return kept === null ? null : { logOdds, run: kept.run };
    });
  }

  function independentShare({ lastEvidencePtsUs }: TrackerState, ptsUs: number): number {
    return lastEvidencePtsUs === null ? 1 : Math.min(1, (ptsUs - lastEvidencePtsUs) / (resolved.evidenceTimeMs * 1000));
  }

  function qualityWeight({ verdict, score }: FrameQuality): number {
    // Outside the body there is no landmark to be seen well or badly.
    return verdict === 'good' ? resolved.poorQualityWeight + (1 - resolved.poorQualityWeight) * score : 1;
  }

  function step(before: TrackerState, detection: Detection): TrackingStep {
    const { ptsUs, sourceId, frameId } = detection;
    const jumped = before.sourceId !== null && (before.sourceId !== sourceId || (before.lastPtsUs !== null && ptsUs < before.lastPtsUs));
    const { state, events } = jumped ? finish(before, 'discontinuity') : { state: before, events: [] as SightingEvent[] };

    const evidence = readEvidence(detection);
    const elapsedS = state.lastPtsUs === null ? 0 : (ptsUs - state.lastPtsUs) / 1e6;
    const aged = chain.predict(state.belief, evidence === null ? elapsedS * resolved.badFrameAgeing : elapsedS);
    const weight = independentShare(state, ptsUs) * qualityWeight(detection.quality);
    const belief = evidence === null ? aged : update(aged, evidence.likelihoods, weight);
    const probabilities = inView(belief);
    const nothing = probabilities[0] ?? 0;
    const probability = (k: number): number => probabilities[1 + k] ?? 0;

    const supports = evidence?.supports ?? null;
    const frame: SupportingFrame | null =
      evidence === null || supports === null
        ? null
        : { frameId, ptsUs, quality: detection.quality.score, score: evidence.score, probability: probability(supports) };

    let { open, lastEnd, nextId } = state;
    const close = (reason: CloseReason, end?: FrameRef): void => {
      if (open === null) return;
      const sighting = sightingOf(open, sourceId, end);
      events.push({ type: 'sighting-closed', sighting, reason });
      lastEnd = { frameId: sighting.endFrameId, ptsUs: sighting.endPtsUs };
      open = null;
    };

    if (open !== null && ptsUs - open.run.last.ptsUs > resolved.maxUnsupportedMs * 1000) close('lost');

    let candidates = nextCandidates({ ...state, open }, evidence, weight, frame, ptsUs);

    if (open !== null && !open.fading) {
      if (frame !== null && supports === open.landmark) {
        open = { ...open, run: extendRun(open.run, frame, edgeUs), disagreeing: 0 };
      } else if (evidence !== null) {
        const disagreeing = open.disagreeing + 1;
        const fading = disagreeing >= resolved.minDisagreeingFrames && probability(open.landmark) < resolved.closeBelow;
        open = { ...open, disagreeing, fading };
      }
    }

    if (open?.fading === true) {
      const again = candidates[open.landmark]?.run.start.ptsUs;
      if ((again ?? ptsUs) - open.run.last.ptsUs > bridgeUs) close('faded');
    }

    const candidate = supports === null ? null : (candidates[supports] ?? null);
    if (candidate !== null && supports !== null && isEnough(candidate.run, probability(supports), resolved)) {
      // What spoke for the others until now has been outweighed; none of them may date itself back into this sighting.
      candidates = landmarks.map(() => null);
      if (open?.landmark === supports) {
        open = { ...open, run: joinRuns(open.run, candidate.run), disagreeing: 0, fading: false };
      } else {
        if (open !== null) close('replaced', earlier(open.run.last, candidate.run.start));
        const run = { ...candidate.run, start: lastEnd === null ? candidate.run.start : later(candidate.run.start, lastEnd) };
        open = { id: nextId, landmark: supports, run, disagreeing: 0, fading: false, bestFrameId: bestFrame(run, edgeUs).frameId };
        nextId += 1;
        events.push({ type: 'sighting-opened', sighting: sightingOf(open, sourceId) });
      }
    }

    if (open !== null) {
      const best = bestFrame(open.run, edgeUs);
      if (best.frameId !== open.bestFrameId) {
        open = { ...open, bestFrameId: best.frameId };
        events.push({ type: 'sighting-improved', sighting: sightingOf(open, sourceId) });
      }
    }

    return {
      state: {
        sourceId,
        lastPtsUs: ptsUs,
        lastEvidencePtsUs: evidence === null ? state.lastEvidencePtsUs : ptsUs,
        belief,
        candidates,
        open,
        lastEnd,
        nextId,
      },
      current:
        open === null || open.fading
          ? { landmark: null, score: nothing }
          : { landmark: landmarks[open.landmark] ?? null, score: probability(open.landmark) },
      posterior: { nothing, landmarks: Object.fromEntries(landmarks.map((label, k) => [label, probability(k)])) },
      events,
    };
  }

  return {
    options: resolved,
    landmarks,
    initialState,
    step,
    finish,
    openSighting: (state) => (state.open === null ? null : sightingOf(state.open, state.sourceId ?? '')),
  };
}

function isEnough(run: Run, probability: number, options: ResolvedTrackerOptions): boolean {
  return (
    probability >= options.openAbove &&
    run.frames >= options.minAgreeingFrames &&
    run.last.ptsUs - run.start.ptsUs >= options.minEvidenceMs * 1000
  );
}

function logOddsOf(likelihoods: readonly number[], state: number): number {
  let rival = 0;
  for (let other = 0; other < likelihoods.length; other++) if (other !== state) rival = Math.max(rival, likelihoods[other] ?? 0);
  return Math.log((likelihoods[state] ?? 0) / rival);
}

function earlier(a: FrameRef, b: FrameRef): FrameRef {
  return a.ptsUs <= b.ptsUs ? a : b;
}

function later(a: FrameRef, b: FrameRef): FrameRef {
  return a.ptsUs >= b.ptsUs ? a : b;
}
