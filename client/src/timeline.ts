import type { Interval } from './view-state.js';

const SHORTEST_SPAN_US = 30_000_000;
const LONGEST_SPAN_US = 600_000_000;
const LANES_SHOWN = 5;

export interface Lane {
  readonly landmark: string;
  readonly intervals: readonly Interval[];
}

/** The part of the procedure that is shown: from its begin on, at most the last ten minutes. */
export function span(nowUs: number, firstPtsUs: number): { fromUs: number; toUs: number } {
  const lengthUs = Math.min(LONGEST_SPAN_US, Math.max(SHORTEST_SPAN_US, nowUs - firstPtsUs));
  const fromUs = Math.max(firstPtsUs, nowUs - lengthUs);
  return { fromUs, toUs: fromUs + lengthUs };
}

/** Round times to write under the span, µs. */
export function ticks(fromUs: number, toUs: number): number[] {
  const stepUs = [5, 10, 15, 30, 60, 120].map((s) => s * 1_000_000).find((us) => (toUs - fromUs) / us <= 8) ?? 120_000_000;
  const first = Math.ceil(fromUs / stepUs) * stepUs;
  // A time at the very end would be cut off.
  const lastUs = toUs - (toUs - fromUs) * 0.03;
  return Array.from({ length: Math.max(0, Math.floor((lastUs - first) / stepUs) + 1) }, (_, position) => first + position * stepUs);
}

/** The landmarks of the span in the order in which they came first; of too many, those seen last. */
export function lanesOf(intervals: readonly Interval[], fromUs: number, nowUs: number): Lane[] {
  const shown = intervals.filter((one) => (one.endPtsUs ?? nowUs) >= fromUs);
  const lastSeen = new Map<string, number>();
  for (const one of shown) lastSeen.set(one.landmark, Math.max(lastSeen.get(one.landmark) ?? 0, one.endPtsUs ?? Infinity));
  const kept = new Set(
    [...lastSeen]
      .sort(([, a], [, b]) => b - a)
      .slice(0, LANES_SHOWN)
      .map(([landmark]) => landmark),
  );
  const inOrder = shown.toSorted((a, b) => a.startPtsUs - b.startPtsUs);
  return [...new Set(inOrder.map(({ landmark }) => landmark))]
    .filter((landmark) => kept.has(landmark))
    .map((landmark) => ({ landmark, intervals: inOrder.filter((one) => one.landmark === landmark) }));
}
