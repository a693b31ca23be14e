import type { Tract } from '../common/landmarks.js';
import type { QualityVerdict } from '../tracking/detection.js';

/** Landmarks that prove that the caecum was reached (ASGE/ACG quality indicators for colonoscopy: orifice, valve, or ileum). */
const CAECAL = new Set(['cecum', 'appendiceal-orifice', 'ileocecal-valve', 'terminal-ileum']);
/** Longer without a frame than this, and nobody knows what was seen meanwhile. */
const LONGEST_STEP_US = 5_000_000;

/** What the timers of a procedure have seen so far; plain data, never changed in place. Times are those of the source, µs. */
export interface TimersState {
  readonly tract: Tract;
  readonly firstInBodyUs: number | null;
  readonly lastInBodyUs: number | null;
  /** Null before the caecum was seen. */
  readonly withdrawalUs: number | null;
  readonly lastUs: number | null;
  readonly isInBody: boolean;
  readonly isPaused: boolean;
}

export interface TimersFrame {
  readonly ptsUs: number;
  readonly quality: QualityVerdict;
  /** What the tracker holds to be in view after this frame. */
  readonly landmark: string | null;
}

export interface Timers {
  /** Upper tract: from the first to the last frame inside the body, ms; null before there is one, and for the lower tract. */
  readonly inspectionMs: number | null;
  /** Lower tract: inside the body since the last evidence of the caecum, without pauses, ms; null before there is any, and for the upper. */
  readonly withdrawalMs: number | null;
}

export function startTimers(tract: Tract): TimersState {
  return { tract, firstInBodyUs: null, lastInBodyUs: null, withdrawalUs: null, lastUs: null, isInBody: false, isPaused: false };
}

/** The timers after one more frame. Frames that show nothing (dark) leave the place as it was. */
export function stepTimers(state: TimersState, { ptsUs, quality, landmark }: TimersFrame): TimersState {
  const isInBody = quality === 'dark' ? state.isInBody : quality !== 'out-of-body';
  const passedUs = state.lastUs === null ? 0 : Math.max(0, ptsUs - state.lastUs);
  const counts = state.isInBody && isInBody && !state.isPaused && passedUs <= LONGEST_STEP_US;
  const isCaecal = landmark !== null && CAECAL.has(landmark);
  const withdrawalUs = isCaecal ? 0 : state.withdrawalUs === null ? null : state.withdrawalUs + (counts ? passedUs : 0);
  return {
    ...state,
    firstInBodyUs: isInBody ? (state.firstInBodyUs ?? ptsUs) : state.firstInBodyUs,
    lastInBodyUs: isInBody ? ptsUs : state.lastInBodyUs,
    withdrawalUs,
    lastUs: ptsUs,
    isInBody,
  };
}

/** An intervention begins or ends. */
export function pauseTimers(state: TimersState, isPaused: boolean): TimersState {
  return { ...state, isPaused };
}

export function readTimers({ tract, firstInBodyUs, lastInBodyUs, withdrawalUs }: TimersState): Timers {
  const ms = (us: number | null): number | null => (us === null ? null : us / 1000);
  return {
    inspectionMs: tract === 'upper' && firstInBodyUs !== null ? ms((lastInBodyUs ?? firstInBodyUs) - firstInBodyUs) : null,
    withdrawalMs: tract === 'lower' ? ms(withdrawalUs) : null,
  };
}
