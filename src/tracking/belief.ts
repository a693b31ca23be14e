import { stepsBetween } from './anatomy-graph.js';

/**
 * Belief over where the scope is and what is in view. Of K landmarks, `belief[k]` is the probability that landmark k was in view last and
 * nothing is now, and `belief[K + k]` that landmark k is in view; they sum to 1. Without landmarks it is `[1]`.
 *
 * Remembering the last landmark makes the anatomy count: what comes next is most likely what lies next.
 */
export type Belief = readonly number[];

export interface ChainOptions {
  readonly leaveRatePerS: number;
  readonly switchRatePerS: number;
  readonly enterRatePerS: number;
  /** How much less likely each landmark makes the way that is passed without being seen, 0…1. */
  readonly skipShare: number;
  /** The least weight of any landmark beside that of a neighbour, 0…1. */
  readonly anywhereShare: number;
}

/** How the belief changes between frames. */
export interface Chain {
  /** Before anything was seen: every place alike. */
  readonly start: Belief;
  /** The belief `seconds` later, without evidence. */
  predict(belief: Belief, seconds: number): Belief;
}

/** A step of the series must not leave the chain more often than this. */
const MAX_JUMPS_PER_STEP = 2;
/** After so many jumps the start is forgotten. */
const MAX_JUMPS = 400;
const SERIES_END = 1e-12;

/**
 * A continuous-time Markov chain, so that dropped frames, other analysis rates and gaps need no special case. A landmark in view gives way
 * to nothing at `leaveRatePerS` and to another one at `switchRatePerS`; after nothing some landmark comes into view at `enterRatePerS`. Which
 * one is weighed by the anatomy: 1 for the neighbours and for the same again, `skipShare` less for every landmark passed on the way, never below
 * `anywhereShare`. Solved by uniformisation (Jensen 1953), which keeps probabilities positive at any time step.
 */
export function createChain(landmarks: readonly string[], options: ChainOptions): Chain {
  const count = landmarks.length;
  if (count === 0) return { start: [1], predict: (belief) => belief };
  const { leaveRatePerS, switchRatePerS, enterRatePerS, skipShare, anywhereShare } = options;
  const weights = stepsBetween(landmarks).map((row) =>
    row.map((steps) => Math.max(anywhereShare, steps === Infinity ? 0 : skipShare ** Math.max(0, steps - 1))),
  );
  const enter = weights.map((row) => normalised(row));
  const change = weights.map((row, from) => normalised(row.map((weight, to) => (to === from ? 0 : weight))));
  const switchRate = count > 1 ? switchRatePerS : 0;
  const jumpRate = Math.max(leaveRatePerS + switchRate, enterRatePerS);

  /** One jump of the chain made uniform; in place of a matrix product, since most of the matrix is 0. */
  function jump(belief: Belief): number[] {
    const next = new Array<number>(2 * count).fill(0);
    for (let k = 0; k < count; k++) {
      const out = belief[k] ?? 0;
      const seen = belief[count + k] ?? 0;
      next[k] = out * (1 - enterRatePerS / jumpRate) + (seen * leaveRatePerS) / jumpRate;
      next[count + k] = (next[count + k] ?? 0) + seen * (1 - (leaveRatePerS + switchRate) / jumpRate);
      for (let to = 0; to < count; to++) {
        const comes = (out * enterRatePerS * (enter[k]?.[to] ?? 0) + seen * switchRate * (change[k]?.[to] ?? 0)) / jumpRate;
        next[count + to] = (next[count + to] ?? 0) + comes;
      }
    }
    return next;
  }

  function advance(belief: Belief, jumps: number): Belief {
    let term = [...belief];
    let share = Math.exp(-jumps);
    let left = 1 - share;
    const later = term.map((p) => p * share);
    for (let n = 1; left > SERIES_END && n < 60; n++) {
      term = jump(term);
      share *= jumps / n;
      left -= share;
      for (let state = 0; state < later.length; state++) later[state] = (later[state] ?? 0) + share * (term[state] ?? 0);
    }
    return normalised(later);
  }

  const nothing = leaveRatePerS / (leaveRatePerS + enterRatePerS);
  return {
    start: Array.from({ length: 2 * count }, (_, state) => (state < count ? nothing : 1 - nothing) / count),
    predict(belief, seconds) {
      if (seconds <= 0) return belief;
      const jumps = Math.min(jumpRate * seconds, MAX_JUMPS);
      const steps = Math.ceil(jumps / MAX_JUMPS_PER_STEP);
      let later = belief;
      for (let step = 0; step < steps; step++) later = advance(later, jumps / steps);
      return later;
    },
  };
}

/** Bayes' rule with likelihoods (`[nothing, ...landmarks]`) raised to `weight`, the frame's share of independent evidence. */
export function update(belief: Belief, likelihoods: readonly number[], weight: number): Belief {
  const count = likelihoods.length - 1;
  const joint = belief.map((p, state) => p * (likelihoods[state < count || count === 0 ? 0 : 1 + state - count] ?? 0) ** weight);
  const total = joint.reduce((sum, p) => sum + p, 0);
  return total > 0 ? joint.map((p) => p / total) : belief;
}

/** Probabilities `[nothing, ...landmarks]` of what is in view. */
export function inView(belief: Belief): number[] {
  const count = Math.floor(belief.length / 2);
  if (count === 0) return [...belief];
  return [belief.slice(0, count).reduce((sum, p) => sum + p, 0), ...belief.slice(count)];
}

function normalised(values: readonly number[]): number[] {
  const sum = values.reduce((total, value) => total + value, 0);
  return sum > 0 ? values.map((value) => value / sum) : [...values];
}
