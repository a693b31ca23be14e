import { describe, expect, it } from 'vitest';
import { clipGradients, gradientNorm } from '../../src/training/gradient-norm.js';
import { AdamW, type Trainable } from '../../src/training/optimizer.js';
import { rateFactor } from '../../src/training/schedule.js';

const parameter = (values: number[]): Trainable => ({ name: 'w', values: Float32Array.from(values), group: 'head' });
const rates = (head: number) => ({ backbone: 0, head });

describe('AdamW', () => {
  it('takes the first step by hand: decay, then the learning rate against the sign of the gradient', () => {
    const w = parameter([2, -1]);
    new AdamW([w], { weightDecay: 0.1 }).step([w], new Map([['w', Float32Array.of(0.5, -3)]]), rates(0.01));
    // m̂ / (√v̂ + ε) is the sign of the gradient in the first step.
    expect(w.values[0]).toBeCloseTo(2 * (1 - 0.001) - 0.01, 6);
    expect(w.values[1]).toBeCloseTo(-1 * (1 - 0.001) + 0.01, 6);
  });

  it('adds ε to the corrected root, so that a tiny gradient takes a small step', () => {
    const w = parameter([0]);
    new AdamW([w], { weightDecay: 0 }).step([w], new Map([['w', Float32Array.of(1e-8)]]), rates(1));
    expect(w.values[0]).toBeCloseTo(-0.5, 5);
  });

  it('finds the minimum of a parabola, each group at its own rate', () => {
    const moving = { ...parameter([5]), name: 'moving' };
    const still: Trainable = { name: 'still', values: Float32Array.of(5), group: 'backbone' };
    const optimizer = new AdamW([moving, still], { weightDecay: 0 });
    for (let step = 0; step < 400; step++) {
      const slopes = new Map([moving, still].map(({ name, values }) => [name, Float32Array.of(2 * (values[0]! - 1))]));
      optimizer.step([moving, still], slopes, rates(0.05));
    }
    expect(moving.values[0]).toBeCloseTo(1, 2);
    expect(still.values[0]).toBe(5);
  });

  it('goes on to the bit where another one stopped', () => {
    const run = (break_: boolean): Float32Array => {
      const w = parameter([1, 2, 3]);
      let optimizer = new AdamW([w], { weightDecay: 1e-4 });
      for (let step = 0; step < 6; step++) {
        if (break_ && step === 3) {
          const next = new AdamW([w], { weightDecay: 1e-4 });
          next.restore(optimizer.steps, optimizer.moments);
          optimizer = next;
        }
        optimizer.step([w], new Map([['w', w.values.map((value, index) => Math.sin(value * 7 + index))]]), rates(0.03));
      }
      return w.values;
    };
    expect(run(true)).toEqual(run(false));
  });

  it('refuses a state of another shape', () => {
    const optimizer = new AdamW([parameter([1, 2])], { weightDecay: 0 });
    expect(() => {
      optimizer.restore(1, new Map([['w', { first: new Float32Array(1), second: new Float32Array(1) }]]));
    }).toThrow(/state of w/);
  });
});

describe('clipGradients', () => {
  it('scales all gradients together to the limit and returns the norm before', () => {
    const gradients = new Map([
      ['a', Float32Array.of(3)],
      ['b', Float32Array.of(4)],
    ]);
    expect(clipGradients(gradients, 2)).toBeCloseTo(5, 6);
    expect(gradientNorm(gradients)).toBeCloseTo(2, 5);
    expect(gradients.get('a')?.[0]).toBeCloseTo((3 * 2) / (5 + 1e-6), 6);
  });

  it('leaves a smaller norm alone', () => {
    const gradients = new Map([['a', Float32Array.of(1)]]);
    clipGradients(gradients, 2);
    expect(gradients.get('a')?.[0]).toBe(1);
  });
});

describe('rateFactor', () => {
  it('falls as CosineAnnealingLR with T_max = epochs', () => {
    const at = (epoch: number): number => rateFactor({ schedule: 'cosine', epochs: 30 }, epoch, 0.5);
    expect(at(0)).toBe(1);
    expect(at(15)).toBeCloseTo(0.5, 12);
    expect(at(29)).toBeCloseTo((1 + Math.cos((29 / 30) * Math.PI)) / 2, 12);
  });

  it('rises evenly in the warm-up, then spans what is left', () => {
    const at = (epoch: number, share = 0): number => rateFactor({ schedule: 'cosine', epochs: 12, warmupEpochs: 2 }, epoch, share);
    expect([at(0, 0.5), at(1), at(2), at(7)]).toEqual([0.25, 0.5, 1, expect.closeTo(0.5, 12)]);
    expect(rateFactor({ schedule: 'constant', epochs: 6 }, 5, 0)).toBe(1);
  });
});
