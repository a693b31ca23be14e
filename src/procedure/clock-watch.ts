/** What the two clocks of the machine say. */
export interface Clock {
  /** Wall clock, ms since 1970; can be set. */
  readonly wallMs: () => number;
  /** Since any moment, ms; never goes back. */
  readonly monotonicMs: () => number;
}

export const SYSTEM_CLOCK: Clock = { wallMs: () => Date.now(), monotonicMs: () => performance.now() };

export interface Reading {
  readonly at: string;
  readonly monotonicMs: number;
  /** Set when the wall clock was set since the reading before. */
  readonly jump: { readonly previousAt: string; readonly jumpMs: number } | null;
}

/** Slower than this, clocks that are disciplined by NTP drift apart without being set; a suspended machine does not count up either. */
const FORWARD_JUMP_MS = 2000;

/**
 * Reads both clocks, and tells when the wall clock went back at all or was set forward by more than two seconds.
 * @param lastAt Of an earlier process, in a journal that goes on: how much time passed since, no clock tells, but it was not less than none.
 */
export function clockWatch(clock: Clock, lastAt: string | null = null): () => Reading {
  const began = clock.monotonicMs();
  let last: { wallMs: number; monotonicMs: number | null } | null =
    lastAt === null ? null : { wallMs: Date.parse(lastAt), monotonicMs: null };
  return () => {
    const wallMs = clock.wallMs();
    const monotonicMs = Math.round((clock.monotonicMs() - began) * 1000) / 1000;
    const movedMs = last === null ? 0 : wallMs - last.wallMs;
    const passedMs = last === null || last.monotonicMs === null ? Math.max(0, movedMs) : monotonicMs - last.monotonicMs;
    const jumped = movedMs < 0 || movedMs - passedMs > FORWARD_JUMP_MS;
    const jump =
      last !== null && jumped ? { previousAt: new Date(last.wallMs).toISOString(), jumpMs: Math.round(movedMs - passedMs) } : null;
    last = { wallMs, monotonicMs };
    return { at: new Date(wallMs).toISOString(), monotonicMs, jump };
  };
}
