import type { VitSpec } from '../../../src/models/backbones/spec.js';

/*
 * Floating-point operations of matrix products for one picture, a multiply-add counted as two, as the graphs here compute them: the last block for
 * the class token alone.
 */

interface Counts {
  readonly patches: number;
  /** Multiply-adds of the linear layers by block; those of the keys and values of the last block included. */
  readonly linear: readonly number[];
  readonly attention: readonly number[];
  readonly tokens: number;
}

function countsOf({ dimension: d, depth, patch, registers, hidden }: VitSpec, inputSize: number): Counts {
  const tokens = 1 + registers + (inputSize / patch) ** 2;
  const blocks = Array.from({ length: depth }, (_, block) => block === depth - 1);
  return {
    patches: tokens * 3 * patch * patch * d,
    linear: blocks.map((isLast) => (isLast ? tokens * 2 * d * d + 2 * d * d + 2 * d * hidden : tokens * (4 * d * d + 2 * d * hidden))),
    attention: blocks.map((isLast) => 2 * tokens * d * (isLast ? 1 : tokens)),
    tokens,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

export function forwardOperations(spec: VitSpec, inputSize: number): number {
  const { patches, linear, attention } = countsOf(spec, inputSize);
  return 2 * (patches + sum(linear) + sum(attention));
}

/**
 * A training step with LoRA of `rank` in all blocks: forward, back to the inputs of every layer but query, key and value of the first block, five
 * products for the two of each attention, and three products for each matrix of LoRA.
 */
export function stepOperations(spec: VitSpec, inputSize: number, rank: number): number {
  const { dimension: d, hidden, depth } = spec;
  const { patches, linear, attention, tokens } = countsOf(spec, inputSize);
  const lora = (depth - 1) * tokens * rank * (4 * d + 2 * d + 2 * (d + hidden));
  const back = sum(linear) - 3 * tokens * d * d + 2.5 * sum(attention);
  return 2 * (patches + sum(linear) + sum(attention) + back + 3 * lora);
}
