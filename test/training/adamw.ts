type Arrays = Map<string, Float32Array<ArrayBuffer>>;

/** AdamW as in PyTorch, written down plainly: the reference that the fixtures' runs need. Betas 0.9 and 0.999, epsilon 1e-8. */
export function plainAdamW(options: {
  lr: number;
  weightDecay: number;
}): (parameters: Arrays, gradients: ReadonlyMap<string, Float32Array>) => void {
  const moments = new Map<string, { first: Float64Array; second: Float64Array }>();
  let step = 0;
  return (parameters, gradients) => {
    step++;
    for (const [name, values] of parameters) {
      const gradient = gradients.get(name)!;
      const { first, second } = moments.get(name) ?? { first: new Float64Array(values.length), second: new Float64Array(values.length) };
      moments.set(name, { first, second });
      for (let index = 0; index < values.length; index++) {
        first[index] = 0.9 * first[index]! + 0.1 * gradient[index]!;
        second[index] = 0.999 * second[index]! + 0.001 * gradient[index]! ** 2;
        const mean = first[index]! / (1 - 0.9 ** step);
        const root = Math.sqrt(second[index]! / (1 - 0.999 ** step)) + 1e-8;
        values[index] = values[index]! * (1 - options.lr * options.weightDecay) - (options.lr * mean) / root;
      }
    }
  };
}

/** The norm over all gradients, which are scaled down to `most` in place where it is larger. */
export function clipNorm(gradients: ReadonlyMap<string, Float32Array>, most: number): number {
  let square = 0;
  for (const values of gradients.values()) for (const value of values) square += value * value;
  const norm = Math.sqrt(square);
  if (norm > most)
    for (const values of gradients.values()) values.forEach((value, index) => (values[index] = value * (most / (norm + 1e-6))));
  return norm;
}
