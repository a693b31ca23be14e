import type { QualityMeasures } from '../inference/embedder.js';
import type { FrameQuality, QualityVerdict } from './detection.js';

/** Limits of the quality gate, on the measures of the picture that the model sees. */
export const QUALITY_LIMITS = {
  minLuminance: 0.12,
  minLitShare: 0.25,
  maxGlareShare: 0.2,
  minSharpness: -3.2,
  redOutRedness: 0.55,
  redOutMaxContrast: 0.12,
  outOfBodyMaxRedness: 0.37,
  outOfBodyMaxSaturation: 0.25,
} as const;

/**
 * Whether a frame may vote, and how good a still it would make. The verdict names the first fault that applies, those that hide
 * the others first.
 */
export function judgeQuality(measures: QualityMeasures): FrameQuality {
  const limits = QUALITY_LIMITS;
  const { luminance, litShare, glareShare, sharpness, redness, saturation, contrast } = measures;
  const verdict: QualityVerdict =
    luminance < limits.minLuminance || litShare < limits.minLitShare
      ? 'dark'
      : redness < limits.outOfBodyMaxRedness && saturation < limits.outOfBodyMaxSaturation
        ? 'out-of-body'
        : redness > limits.redOutRedness && contrast < limits.redOutMaxContrast
          ? 'red-out'
          : glareShare > limits.maxGlareShare
            ? 'glare'
            : sharpness < limits.minSharpness
              ? 'blurred'
              : 'good';
  if (verdict !== 'good') return { verdict, score: 0 };
  return { verdict, score: Math.min(1, Math.max(0, (sharpness - limits.minSharpness) / 2)) };
}
