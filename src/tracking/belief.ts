/**
 * Belief over what is in view: `belief[0]` is the probability of nothing, `belief[1 + k]` that of landmark k; they sum to 1.
 *
 * Between frames it follows a continuous-time Markov chain in which every landmark is alike: a landmark gives way to nothing at
 * rate a and to some other landmark at rate b, nothing gives way to some landmark at rate c. The symmetry makes the transition
 * closed-form at any time step, so that dropped frames, other analysis rates and gaps need no special case: the mass of all
 * landmarks and each landmark's deviation from their mean decay exponentially, at the rates a + c and a + b·K/(K − 1).
 */
export type Belief = readonly number[];

export interface TransitionRates {
  readonly leaveRatePerS: number;
  readonly switchRatePerS: number;
  readonly enterRatePerS: number;
}

/** What the chain tends to without evidence, for `landmarks` landmarks. */
export function restingBelief(landmarks: number, rates: TransitionRates): Belief {
  if (landmarks === 0) return [1];
  const nothing = rates.leaveRatePerS / (rates.leaveRatePerS + rates.enterRatePerS);
  return [nothing, ...new Array<number>(landmarks).fill((1 - nothing) / landmarks)];
}

/** The belief `seconds` later, without evidence. */
export function predict(belief: Belief, seconds: number, rates: TransitionRates): Belief {
  const [nothing = 1, ...landmarks] = belief;
  const count = landmarks.length;
  if (count === 0 || seconds <= 0) return belief;
  const { leaveRatePerS, switchRatePerS, enterRatePerS } = rates;
  const resting = leaveRatePerS / (leaveRatePerS + enterRatePerS);
  const nothingLater = resting + (nothing - resting) * Math.exp(-(leaveRatePerS + enterRatePerS) * seconds);
  const spreadRate = leaveRatePerS + (count > 1 ? (switchRatePerS * count) / (count - 1) : 0);
  const spread = Math.exp(-spreadRate * seconds);
  const mean = (1 - nothing) / count;
  const meanLater = (1 - nothingLater) / count;
  return [nothingLater, ...landmarks.map((p) => meanLater + (p - mean) * spread)];
}

/** Bayes' rule with likelihoods raised to `weight`, the frame's share of independent evidence. */
export function update(belief: Belief, likelihoods: readonly number[], weight: number): Belief {
  const joint = belief.map((p, state) => p * (likelihoods[state] ?? 0) ** weight);
  const total = joint.reduce((sum, p) => sum + p, 0);
  return total > 0 ? joint.map((p) => p / total) : belief;
}
