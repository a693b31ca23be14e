/** Delays since the last reading, in ms, to be read once a second. Keeps at most the newest `limit`. */
export class Delays {
  readonly #limit: number;
  #values: number[] = [];
  #next = 0;

  constructor(limit = 1024) {
    this.#limit = limit;
  }

  add(ms: number): void {
    this.#values[this.#next] = ms;
    this.#next = (this.#next + 1) % this.#limit;
  }

  /** p50 and p95 by nearest rank, and a fresh start; null when nothing was added. */
  take(): { p50: number; p95: number } | null {
    const sorted = this.#values.sort((a, b) => a - b);
    this.#values = [];
    this.#next = 0;
    const rank = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
    return sorted.length === 0 ? null : { p50: rank(0.5), p95: rank(0.95) };
  }
}
