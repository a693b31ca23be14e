/** Maps values to pixels. */
export interface Scale {
  (value: number): number;
  /** Round values within its domain. */
  readonly ticks: readonly number[];
}

/** @param domain Values at the two ends of `range`; of one value alone some room is made around it. */
export function linearScale(domain: readonly [number, number], range: readonly [number, number], wantedTicks = 6): Scale {
  const [from, to] = domain[0] === domain[1] ? [domain[0] - 0.5, domain[1] + 0.5] : domain;
  const [start, end] = range;
  return Object.assign((value: number) => start + ((value - from) / (to - from)) * (end - start), {
    ticks: roundTicks(Math.min(from, to), Math.max(from, to), wantedTicks),
  });
}

/** Multiples of 1, 2 or 5 times a power of ten from `from` to `to`, about as many as wanted. */
export function roundTicks(from: number, to: number, wanted: number): number[] {
  const span = to - from;
  if (!(span > 0) || !Number.isFinite(span)) return [from];
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = ([1, 2, 5].find((factor) => factor * power >= rough * 0.999) ?? 10) * power;
  const digits = Math.max(0, -Math.floor(Math.log10(step)));
  const first = Math.ceil(from / step - 1e-9);
  const last = Math.floor(to / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, at) => Number(((first + at) * step).toFixed(digits + 1)));
}

/** Smallest and largest of the finite values; [0, 1] of none. */
export function extent(values: readonly number[]): [number, number] {
  let [low, high] = [Infinity, -Infinity];
  for (const value of values) {
    if (!Number.isFinite(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  return low <= high ? [low, high] : [0, 1];
}

/** At most four significant digits and no trailing zeros. */
export function plainNumber(value: number): string {
  return String(Number(value.toPrecision(4)));
}
