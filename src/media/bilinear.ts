/** One output sample of an axis: `weights[i]` belongs to input sample `first + i`; they sum to 1. */
interface Tap {
  readonly first: number;
  readonly weights: Float64Array;
}

/**
 * Antialiased bilinear filter of one axis, as image libraries for model training define it: a triangle of half-width
 * max(1, reduction) around the centre of each output sample, cut off and normalised at the borders.
 */
function tapsOf(inputSize: number, outputSize: number): Tap[] {
  const scale = inputSize / outputSize;
  const support = Math.max(1, scale);
  return Array.from({ length: outputSize }, (_, index) => {
    const centre = (index + 0.5) * scale;
    const first = Math.max(0, Math.floor(centre - support + 0.5));
    const end = Math.min(inputSize, Math.floor(centre + support + 0.5));
    const weights = Float64Array.from({ length: end - first }, (_, tap) =>
      Math.max(0, 1 - Math.abs((first + tap + 0.5 - centre) / support)),
    );
    const sum = weights.reduce((total, weight) => total + weight, 0);
    return { first, weights: weights.map((weight) => weight / sum) };
  });
}

/**
 * Resizes an RGB picture, antialiased bilinear, without keeping its aspect. Synchronous: meant for small pictures.
 * `pixels` is `[height, width, 3]`; the result is `[toHeight, toWidth, 3]`.
 */
export function resizeBilinear(
  pixels: Uint8Array,
  width: number,
  height: number,
  toWidth: number,
  toHeight: number,
): Uint8Array<ArrayBuffer> {
  const across = new Uint8Array(toWidth * height * 3);
  tapsOf(width, toWidth).forEach(({ first, weights }, x) => {
    for (let y = 0; y < height; y++) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = 0.5;
        let from = (y * width + first) * 3 + channel;
        for (const weight of weights) {
          sum += weight * (pixels[from] ?? 0);
          from += 3;
        }
        across[(y * toWidth + x) * 3 + channel] = sum;
      }
    }
  });

  const stride = toWidth * 3;
  const resized = new Uint8Array(stride * toHeight);
  tapsOf(height, toHeight).forEach(({ first, weights }, y) => {
    for (let column = 0; column < stride; column++) {
      let sum = 0.5;
      let from = first * stride + column;
      for (const weight of weights) {
        sum += weight * (across[from] ?? 0);
        from += stride;
      }
      resized[y * stride + column] = sum;
    }
  });
  return resized;
}
