/** L2 norm over all gradients together. */
export function gradientNorm(gradients: ReadonlyMap<string, Float32Array>): number {
  let squares = 0;
  for (const values of gradients.values()) for (const value of values) squares += value * value;
  return Math.sqrt(squares);
}

/**
 * Scales all gradients, in place, so that their common norm is at most `limit`; ε as in torch.nn.utils.clip_grad_norm_. Returns the
 * norm before that.
 */
export function clipGradients(gradients: ReadonlyMap<string, Float32Array>, limit: number): number {
  const norm = gradientNorm(gradients);
  const factor = limit / (norm + 1e-6);
  if (factor >= 1) return norm;
  for (const values of gradients.values())
    for (let index = 0; index < values.length; index++) values[index] = (values[index] ?? 0) * factor;
  return norm;
}
