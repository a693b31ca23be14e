import type { GraphBuilder, Tensor } from '../builder.js';
import { attribute, type AttributeKind, type AttributeValues, type Node } from '../graph.js';
import { add } from '../ops.js';

/**
 * One term of the cotangent of a value: given the sum of the terms before it, or null, it emits the sum with itself. So a matrix product can
 * take the sum as its addend, where a term of its own would cost a pass over memory.
 */
export type Term = (sum: Tensor | null) => Tensor;

/** A term that is added like any other. */
export function term(make: () => Tensor): Term {
  return (sum) => {
    const value = make();
    return sum === null ? value : add(sum, value);
  };
}

/** Computes once what several terms of one node share. */
export function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | null = null;
  return () => (made ??= { value: make() }).value;
}

/** What a rule sees of a node of the forward pass. */
export class NodeView {
  readonly graph: GraphBuilder;
  readonly node: Node;
  readonly #value: (name: string) => Tensor;

  /** `value` gives a value of the forward pass, which may be computed again for this. */
  constructor(graph: GraphBuilder, node: Node, value: (name: string) => Tensor) {
    this.graph = graph;
    this.node = node;
    this.#value = value;
  }

  get inputCount(): number {
    return this.node.inputs.length;
  }

  has(index: number): boolean {
    return (this.node.inputs[index] ?? '') !== '';
  }

  /** Type and shape of an input, without its being computed. */
  inputInfo(index: number): Tensor {
    return this.#info(this.node.inputs[index]);
  }

  outputInfo(index = 0): Tensor {
    return this.#info(this.node.outputs[index]);
  }

  input(index: number): Tensor {
    return this.#value(this.node.inputs[index] ?? '');
  }

  output(index = 0): Tensor {
    return this.#value(this.node.outputs[index] ?? '');
  }

  integers(index: number): readonly number[] {
    const values = this.has(index) ? this.graph.integers(this.inputInfo(index)) : null;
    if (values === null) throw new TypeError(`input ${String(index)} of ${this.node.name} is not known`);
    return values.map((value) => {
      if (typeof value === 'string') throw new TypeError(`input ${String(index)} of ${this.node.name} depends on ${value}`);
      return value;
    });
  }

  attribute<K extends AttributeKind>(name: string, kind: K): AttributeValues[K] | undefined {
    return attribute(this.node, name, kind);
  }

  #info(name: string | undefined): Tensor {
    const found = this.graph.find(name ?? '');
    if (found === null) throw new TypeError(`${this.node.name} has no such input or output`);
    return found;
  }
}

/**
 * The vector-Jacobian product of an operator: from the cotangents of the outputs (null where nothing depends on one) to a term for each
 * input, null where the output does not depend on it smoothly. Terms are called only for inputs whose cotangent is wanted.
 */
export type Rule = (view: NodeView, cotangents: readonly (Tensor | null)[]) => readonly (Term | null)[];

/** A rule for an operator with one output. */
export function single(rule: (view: NodeView, cotangent: Tensor) => readonly (Term | null)[]): Rule {
  return (view, [cotangent]) => (cotangent === undefined || cotangent === null ? [] : rule(view, cotangent));
}
