export interface Distribution {
  count: number;
  p50: number;
  p95: number;
  p99: number;
  max: number;
}

/** Quantiles by nearest rank. */
export function distribution(values: readonly number[]): Distribution {
  const sorted = [...values].sort((a, b) => a - b);
  const at = (share: number): number => sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? 0;
  return { count: sorted.length, p50: at(0.5), p95: at(0.95), p99: at(0.99), max: at(1) };
}

export function distributionHeader(): string {
  return [' '.repeat(34), ...['p50', 'p95', 'p99', 'max'].map((name) => name.padStart(8)), 'count'.padStart(8), ' (ms)'].join(' ');
}

export function distributionRow(name: string, { count, p50, p95, p99, max }: Distribution): string {
  return [name.padEnd(34), ...[p50, p95, p99, max].map((ms) => ms.toFixed(2).padStart(8)), String(count).padStart(8)].join(' ');
}

export function median(values: readonly number[]): number {
  return distribution(values).p50;
}
