/**
 * How well a tracker's answers agree with the truth of recordings: the metrics, and nothing about where either came from.
 *
 * A sighting counts when it overlaps a true visit of its landmark by at least half of the shorter of the two; several sightings of
 * one visit each count, and show up as fragmentation instead.
 */
import { coverage } from '../tracking/coverage.js';
import type { Checklist } from '../tracking/checklist.js';
import type { Sighting } from '../tracking/sighting.js';
import { f1Of, meanOf, median, percentile } from './tracking-statistics.js';

/** A landmark in view over an interval, both ends included. */
export interface LandmarkInterval {
  readonly landmark: string;
  readonly startPtsUs: number;
  readonly endPtsUs: number;
}

/** One frame: what is in view, and what the tracker said when it had seen this frame and none later. */
export interface TrackedFrame {
  readonly ptsUs: number;
  /** Landmark in view, or null for none that the gallery holds. */
  readonly truth: string | null;
  readonly answer: string | null;
  /** Disturbances of this frame (blur, red-out, …), as the truth names them. */
  readonly flags?: readonly string[];
}

export interface TrackedRecording {
  /** In order of time. */
  readonly frames: readonly TrackedFrame[];
  readonly visits: readonly LandmarkInterval[];
  readonly sightings: readonly LandmarkInterval[];
}

export interface SightingAgreement {
  readonly precision: number | null;
  readonly recall: number | null;
  readonly f1: number | null;
  /** Sightings that the precision was taken over. */
  readonly n: number;
  /** True visits that the recall was taken over. */
  readonly visits: number;
}

/** Shares are 0…1, or null where there is nothing to divide by; `n` counts what a share was taken over. */
export interface TrackingMetrics {
  readonly frames: {
    /** Mean over the landmarks that occur in truth or answers. */
    readonly macroF1: number | null;
    /** Frames whose answer is the truth, "nothing" included. */
    readonly accuracy: number | null;
    readonly n: number;
    readonly byLandmark: Readonly<Record<string, { readonly f1: number; readonly n: number }>>;
  };
  readonly sightings: SightingAgreement & { readonly byLandmark: Readonly<Record<string, SightingAgreement>> };
  readonly falseSightingsPerMinute: number | null;
  /** From the begin of a visit to the first frame that is answered with it, over the visits that were answered at all. */
  readonly onsetDelayMs: { readonly median: number | null; readonly p95: number | null; readonly n: number };
  /** Counting sightings per visit that has any; 1 is best. */
  readonly fragmentation: { readonly mean: number | null; readonly n: number };
  /** Supported sites whose seen or unseen is right, over all recordings. */
  readonly coverage: {
    readonly agreement: number | null;
    readonly n: number;
    readonly bySite: Readonly<Record<string, { readonly agreement: number; readonly n: number }>>;
  };
  /** Frames with a disturbance whose answer is the truth. */
  readonly byDisturbance: Readonly<Record<string, { readonly accuracy: number; readonly n: number }>>;
  readonly n: {
    readonly recordings: number;
    readonly frames: number;
    readonly visits: number;
    readonly sightings: number;
    readonly minutes: number;
  };
}

export interface TrackingMetricsOptions {
  /** Labels of the gallery, from which supported sites follow. */
  readonly labels: readonly string[];
  /** Null leaves coverage out. */
  readonly checklist: Checklist | null;
}

export function trackingMetrics(recordings: readonly TrackedRecording[], options: TrackingMetricsOptions): TrackingMetrics {
  const frames = recordings.flatMap((recording) => recording.frames);
  const minutes = recordings.reduce((sum, recording) => sum + durationUs(recording.frames), 0) / 60e6;
  const matched = recordings.map(matchSightings);
  const sightings = matched.flatMap((match) => match.sightings);
  const visits = matched.flatMap((match) => match.visits);
  const found = visits.filter((visit) => visit.sightings > 0);
  const landmarks = [...new Set([...visits, ...sightings].map(({ landmark }) => landmark))].sort();
  const delaysMs = recordings.flatMap(onsetDelaysMs);

  return {
    frames: frameMetrics(frames),
    sightings: {
      ...sightingAgreement(sightings, visits),
      byLandmark: Object.fromEntries(
        landmarks.map((landmark) => [
          landmark,
          sightingAgreement(
            sightings.filter((sighting) => sighting.landmark === landmark),
            visits.filter((visit) => visit.landmark === landmark),
          ),
        ]),
      ),
    },
    falseSightingsPerMinute: minutes > 0 ? sightings.filter(({ counts }) => !counts).length / minutes : null,
    onsetDelayMs: { median: median(delaysMs), p95: percentile(delaysMs, 0.95), n: delaysMs.length },
    fragmentation: { mean: meanOf(found.map((visit) => visit.sightings)), n: found.length },
    coverage: coverageAgreement(recordings, options),
    byDisturbance: byDisturbance(frames),
    n: { recordings: recordings.length, frames: frames.length, visits: visits.length, sightings: sightings.length, minutes },
  };
}

/** Whether `sighting` overlaps `visit` by at least half of the shorter of the two. */
export function countsFor(sighting: LandmarkInterval, visit: LandmarkInterval): boolean {
  if (sighting.landmark !== visit.landmark) return false;
  const overlapUs = Math.min(sighting.endPtsUs, visit.endPtsUs) - Math.max(sighting.startPtsUs, visit.startPtsUs);
  const shorterUs = Math.min(sighting.endPtsUs - sighting.startPtsUs, visit.endPtsUs - visit.startPtsUs);
  return overlapUs >= 0 && overlapUs >= shorterUs / 2;
}

interface MatchedSighting {
  readonly landmark: string;
  readonly counts: boolean;
}

interface MatchedVisit {
  readonly landmark: string;
  /** How many sightings count for it. */
  readonly sightings: number;
}

function matchSightings({ sightings, visits }: TrackedRecording): { sightings: MatchedSighting[]; visits: MatchedVisit[] } {
  return {
    sightings: sightings.map((sighting) => ({
      landmark: sighting.landmark,
      counts: visits.some((visit) => countsFor(sighting, visit)),
    })),
    visits: visits.map((visit) => ({
      landmark: visit.landmark,
      sightings: sightings.filter((sighting) => countsFor(sighting, visit)).length,
    })),
  };
}

function sightingAgreement(sightings: readonly MatchedSighting[], visits: readonly MatchedVisit[]): SightingAgreement {
  const precision = shareOf(sightings, ({ counts }) => counts);
  const recall = shareOf(visits, (visit) => visit.sightings > 0);
  return { precision, recall, f1: f1Of(precision, recall), n: sightings.length, visits: visits.length };
}

function frameMetrics(frames: readonly TrackedFrame[]): TrackingMetrics['frames'] {
  const named = frames.flatMap(({ truth, answer }) => [truth, answer]).filter((label) => label !== null);
  const byLandmark = Object.fromEntries(
    [...new Set(named)].sort().map((landmark) => {
      const answered = frames.filter(({ answer }) => answer === landmark);
      const inView = frames.filter(({ truth }) => truth === landmark);
      const hits = answered.filter(({ truth }) => truth === landmark).length;
      return [landmark, { f1: (2 * hits) / (answered.length + inView.length), n: inView.length }];
    }),
  );
  return {
    macroF1: meanOf(Object.values(byLandmark).map(({ f1 }) => f1)),
    accuracy: shareOf(frames, isRight),
    n: frames.length,
    byLandmark,
  };
}

function onsetDelaysMs({ frames, visits }: TrackedRecording): number[] {
  return visits.flatMap(({ landmark, startPtsUs, endPtsUs }) => {
    const first = frames.find(({ ptsUs, answer }) => ptsUs >= startPtsUs && ptsUs <= endPtsUs && answer === landmark);
    return first === undefined ? [] : [(first.ptsUs - startPtsUs) / 1000];
  });
}

function coverageAgreement(
  recordings: readonly TrackedRecording[],
  { checklist, labels }: TrackingMetricsOptions,
): TrackingMetrics['coverage'] {
  if (checklist === null) return { agreement: null, n: 0, bySite: {} };
  const answers = recordings.flatMap(({ visits, sightings }) => {
    const truth = coverage(checklist, { labels, sightings: visits.map(asSighting) });
    const said = coverage(checklist, { labels, sightings: sightings.map(asSighting) });
    return truth.sites.flatMap(({ id, state }, index) =>
      checklist.sites[index]?.landmarks.some((landmark) => labels.includes(landmark)) === true
        ? [{ id, agrees: state === said.sites[index]?.state }]
        : [],
    );
  });
  const sites = [...new Set(answers.map(({ id }) => id))];
  return {
    agreement: shareOf(answers, ({ agrees }) => agrees),
    n: answers.length,
    bySite: Object.fromEntries(
      sites.map((id) => {
        const here = answers.filter((answer) => answer.id === id);
        return [id, { agreement: shareOf(here, ({ agrees }) => agrees) ?? 0, n: here.length }];
      }),
    ),
  };
}

function byDisturbance(frames: readonly TrackedFrame[]): TrackingMetrics['byDisturbance'] {
  const flags = [...new Set(frames.flatMap((frame) => frame.flags ?? []))].sort();
  return Object.fromEntries(
    flags.map((flag) => {
      const disturbed = frames.filter((frame) => frame.flags?.includes(flag));
      return [flag, { accuracy: shareOf(disturbed, isRight) ?? 0, n: disturbed.length }];
    }),
  );
}

function isRight({ truth, answer }: TrackedFrame): boolean {
  return truth === answer;
}

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number | null {
  return meanOf(items.map((item) => (holds(item) ? 1 : 0)));
}

function durationUs(frames: readonly TrackedFrame[]): number {
  return (frames.at(-1)?.ptsUs ?? 0) - (frames[0]?.ptsUs ?? 0);
}

/** An interval as coverage reads sightings; what it does not need to tell seen from unseen is left empty. */
function asSighting(interval: LandmarkInterval): Sighting {
  const best = { frameId: 0, ptsUs: interval.startPtsUs, quality: 0, score: 0 };
  return { id: 0, sourceId: '', ...interval, startFrameId: 0, endFrameId: 0, confidence: 1, frames: 0, best };
}
