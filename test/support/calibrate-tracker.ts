import { compareTracking, type TruthRecording } from '../../src/evaluation/tracking-comparison.js';
import type { TrackingMetrics } from '../../src/evaluation/tracking.js';
import type { Checklist } from '../../src/tracking/checklist.js';
import type { TrackerOptions } from '../../src/tracking/options.js';
import { randomOf } from './synthetic-detections.js';

export interface CalibrateTrackerOptions {
  readonly tracker: TrackerOptions;
  readonly checklist: Checklist | null;
  readonly trials: number;
  readonly seed: number;
}

export interface CalibratedTrial {
  readonly score: number;
  /** What was changed. */
  readonly options: Partial<TrackerOptions>;
  readonly metrics: TrackingMetrics;
}

/** Where each parameter is searched for; `log` draws evenly over orders of magnitude. */
const RANGES = {
  leaveRatePerS: [0.02, 0.5, 'log'],
  switchRatePerS: [0.01, 0.5, 'log'],
  enterRatePerS: [0.1, 1.5, 'log'],
  badFrameAgeing: [0, 1, 'linear'],
  evidenceTimeMs: [80, 600, 'log'],
  poorQualityWeight: [0.2, 1, 'linear'],
  scoreFloor: [0.01, 0.2, 'log'],
  nothingShare: [0.02, 0.9, 'log'],
  openAbove: [0.55, 0.95, 'linear'],
  closeBelow: [0.05, 0.5, 'linear'],
  minEvidenceMs: [200, 900, 'linear'],
  bridgeMs: [400, 2500, 'linear'],
} as const;

/**
 * Random search: the best trials by sighting F1 and coverage, less what their onset delay and false sightings exceed the goals
 * (1 s, 0.2 a minute) by. The first trial is the defaults.
 */
export function calibrateTracker(recordings: readonly TruthRecording[], options: CalibrateTrackerOptions): CalibratedTrial[] {
  const random = randomOf(options.seed);
  const trials = Array.from({ length: options.trials }, (_, trial): CalibratedTrial => {
    const drawn = trial === 0 ? {} : draw(random);
    const metrics = compareTracking(recordings, { tracker: { ...options.tracker, ...drawn }, checklist: options.checklist }).filter;
    return { score: scoreOf(metrics), options: drawn, metrics };
  });
  const [defaults] = trials;
  const best = [...trials].sort((a, b) => b.score - a.score).slice(0, 8);
  return defaults === undefined ? [] : [defaults, ...best];
}

function draw(random: () => number): Partial<TrackerOptions> {
  return Object.fromEntries(
    Object.entries(RANGES).map(([name, [low, high, scale]]) => {
      const share = random();
      const value = scale === 'log' ? low * (high / low) ** share : low + (high - low) * share;
      return [name, Number(value.toPrecision(3))];
    }),
  );
}

function scoreOf({ sightings, coverage, onsetDelayMs, falseSightingsPerMinute, fragmentation }: TrackingMetrics): number {
  const excess = (value: number | null, goal: number): number => Math.max(0, (value ?? 0) - goal);
  return (
    (sightings.f1 ?? 0) +
    0.5 * (coverage.agreement ?? 0) -
    0.2 * excess((onsetDelayMs.median ?? 0) / 1000, 0.9) -
    0.05 * excess(falseSightingsPerMinute, 0.15) -
    0.1 * excess(fragmentation.mean, 1)
  );
}
