import type { CalibrationPictures } from './calibration.js';
import type { Precision } from './graph/precision.js';
import type { Parity } from './manifest.js';

export interface Agreement {
  readonly cosine: { readonly min: number; readonly mean: number };
  /** Share of each picture's five nearest others that stay among the five nearest, averaged. */
  readonly rankAgreement: number;
}

export interface AgreementBound {
  /** Least cosine of any picture. */
  readonly cosine: number;
  readonly rankAgreement: number;
}

const NEAREST = 5;

/**
 * Below this a variant is refused. Half precision must not be seen in the result; eight bits may shift it by what retrieval tolerates:
 * a cosine of 0.98 between the two embeddings of one picture is far above that between pictures of two landmarks.
 */
function agreementBound(precision: Precision): AgreementBound {
  switch (precision) {
    case 'fp32':
      return { cosine: 0.9999, rankAgreement: 0.95 };
    case 'fp16':
      return { cosine: 0.999, rankAgreement: 0.9 };
    case 'int8':
      return { cosine: 0.98, rankAgreement: 0.8 };
  }
}

function withinBound(agreement: Agreement, bound: AgreementBound): boolean {
  return agreement.cosine.min >= bound.cosine && agreement.rankAgreement >= bound.rankAgreement;
}

/** Compares two sets of embeddings `[count, dimension]` of the same pictures. NaN anywhere gives a cosine of −1. */
export function compareEmbeddings(reference: Float32Array, variant: Float32Array, dimension: number): Agreement {
  const count = reference.length / dimension;
  const cosines = Array.from({ length: count }, (_, row) => cosine(reference, variant, row, row, dimension));
  let kept = 0;
  let asked = 0;
  for (let row = 0; row < count; row++) {
    const expected = nearest(reference, row, count, dimension);
    const found = new Set(nearest(variant, row, count, dimension));
    asked += expected.length;
    kept += expected.filter((other) => found.has(other)).length;
  }
  return {
    cosine: { min: Math.min(...cosines), mean: cosines.reduce((sum, value) => sum + value, 0) / Math.max(count, 1) },
    rankAgreement: asked === 0 ? 1 : kept / asked,
  };
}

function nearest(embeddings: Float32Array, row: number, count: number, dimension: number): number[] {
  return Array.from({ length: count }, (_, other) => other)
    .filter((other) => other !== row)
    .map((other) => ({ other, similarity: cosine(embeddings, embeddings, row, other, dimension) }))
    .sort((a, b) => b.similarity - a.similarity || a.other - b.other)
    .slice(0, NEAREST)
    .map(({ other }) => other);
}

function cosine(a: Float32Array, b: Float32Array, rowA: number, rowB: number, dimension: number): number {
  let [dot, squareA, squareB] = [0, 0, 0];
  for (let index = 0; index < dimension; index++) {
    const left = a[rowA * dimension + index] ?? 0;
    const right = b[rowB * dimension + index] ?? 0;
    dot += left * right;
    squareA += left * left;
    squareB += right * right;
  }
  const value = dot / Math.sqrt(squareA * squareB);
  return Number.isFinite(value) ? Math.max(-1, Math.min(1, value)) : -1;
}

export interface ParityFacts {
  readonly precision: Precision;
  readonly device: string;
  readonly dimension: number;
  readonly pictures: CalibrationPictures;
}

/** How well the embeddings of a variant `[pictures, dimension]` agree with those of the exact graph on the CPU. */
export function measureParity(reference: Float32Array, variant: Float32Array, facts: ParityFacts): Parity {
  const agreement = compareEmbeddings(reference, variant, facts.dimension);
  const bound = agreementBound(facts.precision);
  return {
    device: facts.device,
    precision: facts.precision,
    pictures: facts.pictures.count,
    calibration: facts.pictures.name,
    ...agreement,
    bound,
    passed: withinBound(agreement, bound),
    measuredAt: new Date().toISOString(),
  };
}

/** A line for people. */
export function parityText({ precision, device, cosine, rankAgreement, bound, calibration, passed }: Parity): string {
  return (
    `${precision} on ${device} against fp32 on cpu: cosine ${cosine.min.toFixed(6)} at least, ${cosine.mean.toFixed(6)} on average (bound ${bound.cosine}), ` +
    `rank agreement ${rankAgreement.toFixed(3)} (bound ${bound.rankAgreement}); ${calibration}${passed ? '' : ': BELOW THE BOUND'}`
  );
}
