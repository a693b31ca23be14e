import { describe, expect, it } from 'vitest';
import { predict, restingBelief, update, type Belief } from '../../src/tracking/belief.js';

const RATES = { leaveRatePerS: 0.2, switchRatePerS: 0.1, enterRatePerS: 0.5 };

const sum = (belief: Belief): number => belief.reduce((total, p) => total + p, 0);

function expectClose(actual: Belief, expected: Belief, digits = 9): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((p, state) => {
    expect(p).toBeCloseTo(expected[state]!, digits);
  });
}

/** The chain's differential equation, integrated in small steps. */
function integrate(belief: Belief, seconds: number, steps: number): Belief {
  const { leaveRatePerS: a, switchRatePerS: b, enterRatePerS: c } = RATES;
  const count = belief.length - 1;
  let now = [...belief];
  for (let step = 0; step < steps; step++) {
    const dt = seconds / steps;
    const [nothing = 0, ...landmarks] = now;
    const all = landmarks.reduce((total, p) => total + p, 0);
    now = [
      nothing + dt * (a * all - c * nothing),
      ...landmarks.map((p) => p + dt * (-(a + b) * p + (c * nothing) / count + (b * (all - p)) / (count - 1))),
    ];
  }
  return now;
}

describe('predict', () => {
  const certain = [0.05, 0.8, 0.1, 0.05];

  it('solves the chain’s differential equation', () => {
    expectClose(predict(certain, 1.5, RATES), integrate(certain, 1.5, 200_000), 5);
  });

  it('gives the same belief in one step or in many', () => {
    let inSteps: Belief = certain;
    for (const seconds of [0.1, 0.04, 0.5, 0.36]) inSteps = predict(inSteps, seconds, RATES);
    expectClose(inSteps, predict(certain, 1, RATES));
  });

  it('keeps the sum at 1, forgets in the long run, and leaves the resting belief alone', () => {
    expect(sum(predict(certain, 0.7, RATES))).toBeCloseTo(1, 12);
    const resting = restingBelief(3, RATES);
    expectClose(predict(certain, 1e6, RATES), resting);
    expectClose(predict(resting, 3, RATES), resting);
    expect(resting[0]).toBeCloseTo(0.2 / 0.7, 12);
  });

  it('serves galleries without landmarks and with one', () => {
    expect(predict(restingBelief(0, RATES), 2, RATES)).toEqual([1]);
    const one = predict([0, 1], 1, RATES);
    expect(sum(one)).toBeCloseTo(1, 12);
    // With no other landmark to switch to, only leaving counts.
    expect(one[1]).toBeCloseTo(0.5 / 0.7 + (1 - 0.5 / 0.7) * Math.exp(-0.7), 12);
  });
});

describe('update', () => {
  it('is Bayes’ rule', () => {
    expectClose(update([0.5, 0.3, 0.2], [0.1, 0.8, 0.1], 1), [0.05 / 0.31, 0.24 / 0.31, 0.02 / 0.31]);
  });

  it('says as much in four quarters as in one whole', () => {
    let belief: Belief = [0.5, 0.3, 0.2];
    for (let quarter = 0; quarter < 4; quarter++) belief = update(belief, [0.1, 0.8, 0.1], 0.25);
    expectClose(belief, update([0.5, 0.3, 0.2], [0.1, 0.8, 0.1], 1));
  });

  it('keeps the belief when the likelihoods exclude everything', () => {
    expect(update([0.5, 0.5], [0, 0], 1)).toEqual([0.5, 0.5]);
  });
});
