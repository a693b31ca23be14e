import type { QualityMeasures } from '../inference/embedder.js';
import type { FrameQuality, QualityVerdict } from './detection.js';

/**
 * Limits of the quality gate, on the measures of the picture that the model sees. Each was set by looking at sorted contact sheets of
 * three real examinations on video and 776 real stills; docs/tracking.md tells which scenes lie on either side.
 */
export const QUALITY_LIMITS = {
  /** Below: nothing to be told from the noise. */
  minLuminance: 0.15,
  /** Below: the light falls on nothing. */
  minLitShare: 0.25,
  /** Above: a near wall outshines the rest. */
  maxGlareShare: 0.2,
  /** Sharpness below: blurred by motion, or out of focus. */
  minSharpness: -3.5,
  /** Red-out, the lens on the wall: this red, … */
  redOutMinRedness: 0.53,
  /** … this saturated, … */
  redOutMinSaturation: 0.66,
  /** … and hardly sharper than what is blurred. */
  redOutMaxSharpness: -3.1,
  /** Outside the body: this little red, … */
  outOfBodyMaxRedness: 0.35,
  /** … and this grey. Narrow-band and dyed mucosa is as little red, but not grey. */
  outOfBodyMaxSaturation: 0.2,
} as const;

/** Sharpness above the limit at which the score for stills has come 63 % of the way to its best. */
const SHARPNESS_SCALE = 0.4;
/** Luminance above the limit at which exposure no longer lowers the score. */
const LUMINANCE_MARGIN = 0.1;

/**
 * Whether a frame may vote, and how good a still it would make. The verdict names the first fault that applies, those that hide
 * the others first; the score of a faulty frame is 0.
 */
export function judgeQuality(measures: QualityMeasures): FrameQuality {
  const verdict = verdictOf(measures);
  return { verdict, score: verdict === 'good' ? scoreOf(measures) : 0 };
}

function verdictOf(measures: QualityMeasures): QualityVerdict {
  const limits = QUALITY_LIMITS;
  const { luminance, litShare, glareShare, sharpness, redness, saturation } = measures;
  if (luminance < limits.minLuminance || litShare < limits.minLitShare) return 'dark';
  if (redness < limits.outOfBodyMaxRedness && saturation < limits.outOfBodyMaxSaturation) return 'out-of-body';
  if (redness > limits.redOutMinRedness && saturation > limits.redOutMinSaturation && sharpness < limits.redOutMaxSharpness)
    return 'red-out';
  if (glareShare > limits.maxGlareShare) return 'glare';
  if (sharpness < limits.minSharpness) return 'blurred';
  return 'good';
}

function scoreOf(measures: QualityMeasures): number {
  const limits = QUALITY_LIMITS;
  const clear = 1 - Math.exp((limits.minSharpness - measures.sharpness) / SHARPNESS_SCALE);
  const exposed = Math.min(1, 0.5 + (measures.luminance - limits.minLuminance) / (2 * LUMINANCE_MARGIN));
  const unglared = 1 - measures.glareShare / (2 * limits.maxGlareShare);
  return clear * exposed * unglared;
}
