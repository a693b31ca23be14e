import * as z from 'zod';
import { UsageError } from '../common/errors.js';

const rate = z.number().positive().max(1000);
const share = z.number().gt(0).lt(1);
/** Never quite 0 or 1: a rate measured on a gallery's stills is a guess for video. */
const rateOfError = z
  .number()
  .min(0)
  .max(1)
  .transform((measured) => Math.min(0.95, Math.max(0.02, measured)));
const duration = z.number().nonnegative();

/**
 * Parameters of the temporal filter and of the sightings it opens and closes. All times are source time (`ptsUs`), so that a
 * recording replays to the same sightings at any speed; all evidence is counted per time, so that they hold at any analysis rate.
 */
export const TRACKER_OPTIONS_SCHEMA = z.strictObject({
  /** Labels of the gallery. Those that name a landmark become the states of the filter, beside "nothing". */
  labels: z.array(z.string().min(1)).min(1),
  /**
   * Tract that is examined, when it is known (a checklist says it): classes of the other one cannot be in view, so they are no states and
   * their votes say nothing.
   */
  tract: z.enum(['upper', 'lower']).nullable().default(null),

  /** Rate at which a landmark in view gives way to no landmark, 1/s. */
  leaveRatePerS: rate.default(0.08),
  /** Rate at which a landmark in view gives way to another without anything between (hard cuts, neighbours), 1/s. */
  switchRatePerS: rate.default(0.06),
  /** Rate at which some landmark comes into view while there is none, 1/s. */
  enterRatePerS: rate.default(0.4),
  /** How much less likely each landmark on the way, passed without being seen, makes the next one to come into view; 1 ignores the anatomy. */
  skipShare: z.number().positive().max(1).default(0.1),
  /** Least weight of any landmark to come next, beside that of a neighbour: cuts in the video, and galleries with errors. */
  anywhereShare: z.number().positive().max(1).default(0.01),
  /** Share of the transition rates that a frame of bad quality is aged by: it is no evidence, but little can have changed. */
  badFrameAgeing: z.number().min(0).max(1).default(0.33),

  /**
   * Time over which errors of neighbouring frames are one and the same error, ms: a frame that follows the last evidence by less
   * counts proportionally less.
   */
  evidenceTimeMs: z.number().positive().default(280),
  /** What a good frame at the very limit of the quality gate counts, relative to one of the best quality. */
  poorQualityWeight: z.number().min(0).max(1).default(0.5),
  /** Class score that every landmark is granted: bounds how much a single frame can say against one. */
  scoreFloor: share.default(0.08),
  /** What a place that the gallery does not hold counts against a landmark's whole vote. */
  nothingShare: share.default(0.2),
  /** How much of the vote for a wider class (`stomach`) counts for the narrower ones within it (`antrum`). */
  widerClassShare: z.number().min(0).max(1).default(0.5),
  /** Share of the frames of places that the gallery does not hold which it takes for known; its calibration states it. */
  falseAcceptance: rateOfError.default(0.1),
  /** Share of the frames of places that the gallery does hold which it takes for unknown; its calibration states it. */
  falseRejection: rateOfError.default(0.1),
  /**
   * How much likelier a confidence is for a place that the gallery holds than for one that it does not, by rising confidence; its calibration
   * states it. Empty: only `known` counts.
   */
  confidenceRatios: z.array(z.strictObject({ confidence: z.number(), ratio: z.number().positive() })).default([]),
  /**
   * By label: share of a landmark's views that look like nothing in the gallery; `falseRejection` where it is not stated. The gallery's
   * calibration states it.
   */
  oddShareOf: z.record(z.string(), rateOfError).default({}),
  /** Class score that every landmark is granted by such an odd view, and up to as much again for what the view is nearest to. */
  oddScore: share.default(0.4),
  /** Likelihood of an out-of-body frame while a landmark is in view, relative to while there is none. */
  outOfBodyShare: share.default(0.05),

  /** A sighting opens at this probability … */
  openAbove: share.default(0.9),
  /** … after at least this many good frames that agree … */
  minAgreeingFrames: z.number().int().min(2).default(3),
  /** … over at least this time, ms. */
  minEvidenceMs: duration.default(900),
  /** A sighting fades below this probability … */
  closeBelow: share.default(0.5),
  /** … after at least this many good frames that disagree. */
  minDisagreeingFrames: z.number().int().min(2).default(2),
  /** A sighting that comes back within this time is the same one, ms. */
  bridgeMs: duration.default(1500),
  /** A sighting without any supporting frame for this time ends (only bad frames, or none), ms. */
  maxUnsupportedMs: z.number().positive().default(4000),

  /** Frames nearer than this to either end of a sighting count less as its best frame, down to half, ms. */
  edgeMs: duration.default(500),
});

/** What a caller may pass; everything but `labels` has a default. */
export type TrackerOptions = z.input<typeof TRACKER_OPTIONS_SCHEMA>;
/** The same, complete. */
export type ResolvedTrackerOptions = z.output<typeof TRACKER_OPTIONS_SCHEMA>;

/** @throws UsageError naming the field. */
export function resolveTrackerOptions(options: TrackerOptions): ResolvedTrackerOptions {
  const parsed = TRACKER_OPTIONS_SCHEMA.safeParse(options);
  if (!parsed.success) {
    const issue = parsed.error.issues[0];
    const field = issue === undefined || issue.path.length === 0 ? 'options' : issue.path.join('.');
    throw new UsageError('tracker-options', `Tracker option ${field}: ${issue?.message ?? 'not valid'}`, {
      remedy: 'Correct the option, or leave it out to take its default.',
      cause: parsed.error,
    });
  }
  if (parsed.data.closeBelow >= parsed.data.openAbove) {
    throw new UsageError(
      'tracker-options',
      `Tracker option closeBelow (${parsed.data.closeBelow}) is not below openAbove (${parsed.data.openAbove})`,
      { remedy: 'Keep a gap between them, or a belief between the two would open and close sightings in turn.' },
    );
  }
  return parsed.data;
}
