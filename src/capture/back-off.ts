const FIRST_MS = 250;
const LONGEST_MS = 5000;

/** How long to wait before a live source is opened again, after so many failures in a row: 0.25 s, doubling up to 5 s. */
export function backOffMs(failuresInARow: number): number {
  return Math.min(LONGEST_MS, FIRST_MS * 2 ** Math.min(failuresInARow, 16));
}
