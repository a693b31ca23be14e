/** A tensor that training changes. */
export interface Trainable {
  readonly name: string;
  readonly values: Float32Array;
  /** Which learning rate it follows. */
  readonly group: 'backbone' | 'head';
}

export interface AdamWOptions {
  /** Decoupled: taken off the values themselves, in proportion to the learning rate. */
  readonly weightDecay: number;
  /** Decay of the running means of the gradient and of its square. Default 0.9 and 0.999. */
  readonly betas?: readonly [number, number];
  /** Added to the root of the bias-corrected second moment. Default 1e-8. */
  readonly epsilon?: number;
}

/** What the optimizer remembers of one tensor. */
export interface Moments {
  readonly first: Float32Array;
  readonly second: Float32Array;
}

/**
 * AdamW with the arithmetic of torch.optim.AdamW: weight decay before the step, ε added after the correction of the second moment.
 * Source: Loshchilov and Hutter 2019, algorithm 2.
 */
export class AdamW {
  readonly #options: Required<AdamWOptions>;
  readonly #moments = new Map<string, Moments>();
  #steps = 0;

  constructor(parameters: readonly Trainable[], options: AdamWOptions) {
    this.#options = { betas: [0.9, 0.999], epsilon: 1e-8, ...options };
    for (const { name, values } of parameters) {
      this.#moments.set(name, { first: new Float32Array(values.length), second: new Float32Array(values.length) });
    }
  }

  /** Number of steps taken. */
  get steps(): number {
    return this.#steps;
  }

  /** By the names of the parameters; the arrays are the optimizer's own. */
  get moments(): ReadonlyMap<string, Moments> {
    return this.#moments;
  }

  /** Goes on where another run stopped. @throws TypeError when a tensor is missing or of another length. */
  restore(steps: number, moments: ReadonlyMap<string, Moments>): void {
    for (const [name, own] of this.#moments) {
      const saved = moments.get(name);
      if (saved?.first.length !== own.first.length || saved.second.length !== own.second.length) {
        throw new TypeError(`The optimizer's state of ${name} is missing or of another length`);
      }
      own.first.set(saved.first);
      own.second.set(saved.second);
    }
    this.#steps = steps;
  }

  /** Changes `parameters` in place. A parameter without a gradient stays as it is. */
  step(
    parameters: readonly Trainable[],
    gradients: ReadonlyMap<string, Float32Array>,
    learningRates: Readonly<Record<Trainable['group'], number>>,
  ): void {
    const {
      weightDecay,
      betas: [beta1, beta2],
      epsilon,
    } = this.#options;
    this.#steps += 1;
    const correction1 = 1 - beta1 ** this.#steps;
    const rootCorrection2 = Math.sqrt(1 - beta2 ** this.#steps);
    for (const { name, values, group } of parameters) {
      const gradient = gradients.get(name);
      const moments = this.#moments.get(name);
      if (gradient === undefined || moments === undefined) continue;
      const rate = learningRates[group];
      const keep = 1 - rate * weightDecay;
      const stepSize = rate / correction1;
      const { first, second } = moments;
      for (let index = 0; index < values.length; index++) {
        const slope = gradient[index] ?? 0;
        const mean = beta1 * (first[index] ?? 0) + (1 - beta1) * slope;
        const square = beta2 * (second[index] ?? 0) + (1 - beta2) * slope * slope;
        first[index] = mean;
        second[index] = square;
        values[index] = (values[index] ?? 0) * keep - (stepSize * mean) / (Math.sqrt(square) / rootCorrection2 + epsilon);
      }
    }
  }
}
