import { describe, expect, it } from 'vitest';
import { pauseTimers, readTimers, startTimers, stepTimers, type Timers, type TimersFrame } from '../../src/procedure/timers.js';
import type { Tract } from '../../src/common/landmarks.js';

type Step = Partial<TimersFrame> | 'pause' | 'resume';

/** One frame a second from 0 s on; a word between two frames takes no time. */
function after(tract: Tract, ...steps: readonly Step[]): Timers {
  let state = startTimers(tract);
  let s = 0;
  for (const step of steps) {
    if (typeof step === 'string') state = pauseTimers(state, step === 'pause');
    else {
      state = stepTimers(state, { ptsUs: s * 1e6, quality: 'good', landmark: null, ...step });
      s = state.lastUs === null ? 0 : state.lastUs / 1e6 + 1;
    }
  }
  return readTimers(state);
}

const inside = (seconds: number): Step[] => Array.from({ length: seconds }, () => ({}));
const outside = (seconds: number): Step[] => Array.from({ length: seconds }, () => ({ quality: 'out-of-body' }));
const caecum: Step = { landmark: 'appendiceal-orifice' };

describe('inspection time of the upper tract', () => {
  it('runs from the first to the last frame inside the body, whatever lies between', () => {
    expect(after('upper', ...outside(5), ...inside(10), ...outside(3), ...inside(2), ...outside(20))).toEqual({
      inspectionMs: 14_000,
      withdrawalMs: null,
    });
  });
  it('is not there before anything was seen inside, and dark frames show nothing', () => {
    expect(after('upper', ...outside(3), { quality: 'dark' }, { quality: 'dark' }).inspectionMs).toBeNull();
    expect(after('upper', ...inside(3), { quality: 'dark' }, { quality: 'dark' }).inspectionMs).toBe(4000);
  });
});

describe('withdrawal time of the lower tract', () => {
  it('begins with the last evidence of the caecum', () => {
    expect(after('lower', ...inside(60)).withdrawalMs).toBeNull();
    expect(after('lower', ...inside(60), caecum, ...inside(5)).withdrawalMs).toBe(5000);
    expect(after('lower', caecum, ...inside(30), caecum, caecum, ...inside(7))).toEqual({ inspectionMs: null, withdrawalMs: 7000 });
  });
  it('stands still during interventions and outside the body', () => {
    expect(after('lower', caecum, ...inside(5), 'pause', ...inside(100), 'resume', ...inside(2)).withdrawalMs).toBe(7000);
    // From the last frame inside to the first outside is no time inside, nor back.
    expect(after('lower', caecum, ...inside(5), ...outside(9), ...inside(3), ...outside(50)).withdrawalMs).toBe(7000);
  });
  it('does not count what nobody saw', () => {
    expect(after('lower', caecum, ...inside(2), { ptsUs: 60e6 }, {}).withdrawalMs).toBe(3000);
  });
});
