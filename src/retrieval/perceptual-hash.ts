/** Bits of a hash: 16 rows of 16 comparisons. */
export const HASH_BITS = 256;
const SIDE = 16;

/**
 * Difference hash of a squashed picture: whether each cell of a 17 × 16 grid of mean luminance is brighter than its right
 * neighbour (Krawetz 2013, with more cells). Survives resizing, recompression and small changes of colour.
 * `pixels` is `[height, width, 3]` RGB, at least 17 × 16.
 */
export function perceptualHash(pixels: Uint8Array, width: number, height: number): Uint32Array {
  const columns = SIDE + 1;
  const sums = new Float64Array(columns * SIDE);
  const counts = new Uint32Array(columns * SIDE);
  for (let y = 0; y < height; y++) {
    const cellRow = Math.floor((y * SIDE) / height) * columns;
    for (let x = 0; x < width; x++) {
      const cell = cellRow + Math.floor((x * columns) / width);
      const at = (y * width + x) * 3;
      sums[cell] = (sums[cell] ?? 0) + 0.299 * (pixels[at] ?? 0) + 0.587 * (pixels[at + 1] ?? 0) + 0.114 * (pixels[at + 2] ?? 0);
      counts[cell] = (counts[cell] ?? 0) + 1;
    }
  }
  const mean = (cell: number): number => (sums[cell] ?? 0) / (counts[cell] ?? 1);
  const hash = new Uint32Array(HASH_BITS / 32);
  for (let bit = 0; bit < HASH_BITS; bit++) {
    const cell = Math.floor(bit / SIDE) * columns + (bit % SIDE);
    if (mean(cell) < mean(cell + 1)) hash[bit >>> 5] = ((hash[bit >>> 5] ?? 0) | (1 << (bit & 31))) >>> 0;
  }
  return hash;
}

/** Number of bits in which two hashes differ. */
export function hammingDistance(a: Uint32Array, b: Uint32Array): number {
  let distance = 0;
  for (let word = 0; word < a.length; word++) {
    let bits = (a[word] ?? 0) ^ (b[word] ?? 0);
    bits -= (bits >>> 1) & 0x55555555;
    bits = (bits & 0x33333333) + ((bits >>> 2) & 0x33333333);
    distance += Math.imul((bits + (bits >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
  }
  return distance;
}
