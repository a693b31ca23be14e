import { describe, expect, it } from 'vitest';
import { createChain, inView, update, type Belief } from '../../src/tracking/belief.js';

const RATES = { leaveRatePerS: 0.2, switchRatePerS: 0.1, enterRatePerS: 0.5, skipShare: 1, anywhereShare: 0.01 };
const LANDMARKS = ['antrum', 'pylorus', 'duodenal-bulb'];

const sum = (belief: readonly number[]): number => belief.reduce((total, p) => total + p, 0);

function expectClose(actual: readonly number[], expected: readonly number[], digits = 9): void {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((p, state) => {
    expect(p).toBeCloseTo(expected[state]!, digits);
  });
}

/** The chain's differential equation, integrated in small steps; `weights[from][to]` sum to 1 in each row. */
function integrate(belief: Belief, seconds: number, enter: number[][], change: number[][]): Belief {
  const { leaveRatePerS: a, switchRatePerS: b, enterRatePerS: c } = RATES;
  const count = belief.length / 2;
  const steps = 20_000;
  const dt = seconds / steps;
  let now = [...belief];
  for (let step = 0; step < steps; step++) {
    const next = [...now];
    for (let k = 0; k < count; k++) {
      const [out, seen] = [now[k]!, now[count + k]!];
      next[k]! += dt * (a * seen - c * out);
      next[count + k]! -= dt * (a + b) * seen;
      for (let to = 0; to < count; to++) next[count + to]! += dt * (c * out * enter[k]![to]! + b * seen * change[k]![to]!);
    }
    now = next;
  }
  return now;
}

describe('the chain', () => {
  const certain = [0.05, 0, 0, 0.8, 0.1, 0.05];

  it('solves its differential equation', () => {
    const chain = createChain(LANDMARKS, { ...RATES, skipShare: 0.25 });
    // From the antrum the bulb is two steps away, from the pylorus both are one.
    const enter = [
      [1 / 2.25, 1 / 2.25, 0.25 / 2.25],
      [1 / 3, 1 / 3, 1 / 3],
      [0.25 / 2.25, 1 / 2.25, 1 / 2.25],
    ];
    const change = [
      [0, 0.8, 0.2],
      [0.5, 0, 0.5],
      [0.2, 0.8, 0],
    ];
    expectClose(chain.predict(certain, 1.5), integrate(certain, 1.5, enter, change), 4);
  });

  it('gives the same belief in one step or in many', () => {
    const chain = createChain(LANDMARKS, RATES);
    let inSteps: Belief = certain;
    for (const seconds of [0.1, 0.04, 0.5, 0.36, 19]) inSteps = chain.predict(inSteps, seconds);
    expectClose(inSteps, chain.predict(certain, 20));
  });

  it('keeps the sum at 1, forgets in the long run, and leaves the resting belief alone', () => {
    const chain = createChain(LANDMARKS, RATES);
    expect(sum(chain.predict(certain, 0.7))).toBeCloseTo(1, 12);
    expect(sum(chain.start)).toBeCloseTo(1, 12);
    const resting = chain.predict(certain, 1e6);
    expectClose(resting, chain.predict(chain.start, 1e6));
    expectClose(chain.predict(resting, 3), resting);
    expect(inView(resting)[0]).toBeCloseTo(0.2 / 0.7, 9);
  });

  it('expects next what lies next, and ignores the anatomy when told to', () => {
    const afterAntrum = [1, 0, 0, 0, 0, 0];
    const next = inView(createChain(LANDMARKS, { ...RATES, skipShare: 0.1 }).predict(afterAntrum, 0.2));
    expect(next[2]! / next[3]!).toBeGreaterThan(8);
    const free = inView(createChain(LANDMARKS, RATES).predict(afterAntrum, 0.2));
    expect(free[2]).toBeCloseTo(free[3]!, 12);
    const far = inView(createChain(['antrum', 'cecum'], { ...RATES, skipShare: 0.1 }).predict([1, 0, 0, 0], 0.2));
    expect(far[2]).toBeGreaterThan(0);
  });

  it('serves galleries without landmarks and with one', () => {
    const none = createChain([], RATES);
    expect(none.predict(none.start, 2)).toEqual([1]);
    expect(inView(none.start)).toEqual([1]);
    const one = createChain(['antrum'], RATES).predict([0, 1], 1);
    // With no other landmark to switch to, only leaving counts.
    expect(one[1]).toBeCloseTo(0.5 / 0.7 + (1 - 0.5 / 0.7) * Math.exp(-0.7), 9);
  });
});

describe('update', () => {
  const prior = [0.2, 0.3, 0.3, 0.2];

  it('is Bayes’ rule, with one likelihood of nothing wherever the scope is', () => {
    expectClose(
      update(prior, [0.1, 0.8, 0.1], 1),
      [0.02, 0.03, 0.24, 0.02].map((p) => p / 0.31),
    );
    expectClose(update([1], [0.3], 1), [1]);
  });

  it('says as much in four quarters as in one whole', () => {
    let belief: Belief = prior;
    for (let quarter = 0; quarter < 4; quarter++) belief = update(belief, [0.1, 0.8, 0.1], 0.25);
    expectClose(belief, update(prior, [0.1, 0.8, 0.1], 1));
  });

  it('keeps the belief when the likelihoods exclude everything', () => {
    expect(update([0.5, 0.5], [0, 0], 1)).toEqual([0.5, 0.5]);
  });
});
