import { classesAround, classInfo, type Tract } from '../../common/landmarks.js';
import type { Calibration } from '../../retrieval/manifest.js';
import type { Match } from '../../retrieval/match.js';
import { MIN_STILL_QUALITY } from '../../tracking/coverage.js';
import type { FrameQuality } from '../../tracking/detection.js';
import { createEvidenceReader, isOfTract } from '../../tracking/evidence.js';
import { resolveTrackerOptions, type ResolvedTrackerOptions } from '../../tracking/options.js';

/**
 * What became of a photograph: `assigned` to a landmark, `doubtful` (assigned, but somebody should look), `unknown` (resembles nothing in
 * the gallery; its landmark is a guess), `other` (shows a class that is no landmark, e.g. a finding), `unusable` (its quality tells why).
 */
export type Outcome = 'assigned' | 'doubtful' | 'unknown' | 'other' | 'unusable';

/**
 * Why an assignment is in doubt: the vote is no clear majority; the picture is too soft to document a site; the calibration saw the gallery
 * err on such pictures more often than not; the gallery is too small to be calibrated, so that nothing is unknown to it.
 */
export const DOUBTS = ['contested', 'soft', 'imprecise', 'uncalibrated'] as const;
export type Doubt = (typeof DOUBTS)[number];

export interface Assignment {
  readonly outcome: Outcome;
  /** The landmark, or for `unknown` the guess; null for the others. */
  readonly landmark: string | null;
  /** Share of the vote for the landmark, or for the class that is shown, 0…1. */
  readonly score: number;
  /** Best class of the vote, landmark or not; null when there is no exemplar. */
  readonly shows: string | null;
  readonly doubts: readonly Doubt[];
  /**
   * Of the gallery's own pictures that were at least as near when it was calibrated, the share that got the right label, 0…1; null
   * where the gallery is not calibrated.
   */
  readonly precision: number | null;
}

/** A runner-up with more than this share of the winner's vote leaves the winner in doubt … */
const CONTESTED_SHARE = 0.5;
/** … as does a winner whose vote, together with that of the classes around it, is less than this. */
const MAJORITY = 0.5;
/** … or one at whose nearness fewer of the gallery's own pictures than this got the right label. */
const LIKELY = 0.5;

export interface AssignerOptions {
  /** Of the gallery. */
  readonly labels: readonly string[];
  /** Examined; classes of the other one are no answer. Null: not known. */
  readonly tract: Tract | null;
  readonly calibration: Calibration | null;
}

/** How the evidence of a photograph is weighed: with the error rates that the calibration saw on stills. */
export function assignerOptions({ labels, tract, calibration }: AssignerOptions): ResolvedTrackerOptions {
  return resolveTrackerOptions({
    labels: [...labels],
    tract,
    falseAcceptance: calibration?.chosen.falseAcceptance ?? 1,
    falseRejection: calibration?.chosen.loss ?? 0,
  });
}

/** Makes the judge of single photographs. It reads a match as the tracker does. */
export function createAssigner(given: AssignerOptions): (quality: FrameQuality, match: Match) => Assignment {
  const { labels, tract, calibration } = given;
  const landmarks = labels.filter((label) => classInfo(label).kind === 'landmark' && isOfTract(label, tract));
  const evidenceOf = createEvidenceReader(landmarks, assignerOptions(given));

  return (quality, match) => {
    const best = match.scores.find(({ label }) => isOfTract(label, tract)) ?? null;
    const common = { shows: best?.label ?? null, precision: precisionAt(calibration, match.confidence) };
    const evidence = evidenceOf({ sourceId: '', frameId: 0, ptsUs: 0, quality, match });
    if (quality.verdict !== 'good' || evidence === null) {
      return { ...common, outcome: 'unusable', landmark: null, score: best?.score ?? 0, doubts: [] };
    }
    const landmark = landmarks[evidence.supports ?? -1] ?? null;
    if (landmark === null) {
      const isLandmark = best !== null && classInfo(best.label).kind === 'landmark';
      const outcome = !match.known ? 'unknown' : isLandmark ? 'doubtful' : 'other';
      const doubts: Doubt[] = outcome === 'doubtful' ? ['contested'] : [];
      return { ...common, outcome, landmark: isLandmark ? best.label : null, score: best?.score ?? 0, doubts };
    }
    const { score } = evidence;
    if (!match.known) return { ...common, outcome: 'unknown', landmark, score, doubts: [] };
    const doubts: Doubt[] = [];
    if (isContested(match, landmark, score)) doubts.push('contested');
    if (quality.score < MIN_STILL_QUALITY) doubts.push('soft');
    if (common.precision === null) doubts.push('uncalibrated');
    else if (common.precision < LIKELY) doubts.push('imprecise');
    return { ...common, outcome: doubts.length > 0 ? 'doubtful' : 'assigned', landmark, score, doubts };
  };
}

function isContested({ scores }: Match, landmark: string, score: number): boolean {
  const wider = classesAround(landmark);
  // Neither what is wider nor what is a part of it speaks against it.
  const rival = scores.find(({ label }) => label !== landmark && !wider.includes(label) && !classesAround(label).includes(landmark));
  const around = scores.reduce((sum, one) => (wider.includes(one.label) ? sum + one.score : sum), score);
  return (rival?.score ?? 0) > CONTESTED_SHARE * score || around < MAJORITY;
}

/** What the curve of the calibration says of pictures that are at least this near. */
function precisionAt(calibration: Calibration | null, confidence: number): number | null {
  if (calibration === null) return null;
  const points = [...calibration.curve].sort((a, b) => a.threshold - b.threshold).filter(({ loss }) => loss < 1);
  const point = points.findLast(({ threshold }) => threshold <= confidence) ?? points[0];
  return point?.precision ?? null;
}
