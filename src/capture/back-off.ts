const FIRST_MS = 250;
const LONGEST_MS = 10_000;

/** How long to wait before a live source is opened again, after so many failures in a row: 0.25 s, doubling up to 10 s. */
export function backOffMs(failuresInARow: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failuresInARow, 16));
}
