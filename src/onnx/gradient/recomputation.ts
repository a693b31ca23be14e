import type { GraphBuilder, Tensor } from '../builder.js';
import { isFloat, type Node } from '../graph.js';
import { add, cast, mul, reduceSum, slice } from '../ops.js';

/**
 * Gives the rules the values of the forward pass: as they are, or, inside a segment, computed again from what enters the segment. The copies
 * wait for the first cotangent that enters the segment from behind: they add zero times one of its elements to their inputs. Without that,
 * onnxruntime would find them equal to the originals and keep those.
 */
export class Recomputation {
  readonly #graph: GraphBuilder;
  readonly #producers = new Map<string, Node>();
  readonly #segmentOf: (node: Node) => string | null;
  readonly #zeros = new Map<string, Tensor>();
  readonly #copies = new Map<string, Tensor>();

  constructor(graph: GraphBuilder, nodes: readonly Node[], segmentOf: (node: Node) => string | null) {
    this.#graph = graph;
    this.#segmentOf = segmentOf;
    for (const node of nodes) for (const output of node.outputs) this.#producers.set(output, node);
  }

  /** The values as the rule of `node`, which is given `cotangents`, is to see them. */
  valuesFor(node: Node, cotangents: readonly (Tensor | null)[]): (name: string) => Tensor {
    const segment = this.#segmentOf(node);
    if (segment === null) return (name) => this.#kept(name);
    if (!this.#zeros.has(segment)) {
      const cotangent = cotangents.find((candidate) => candidate !== null);
      if (cotangent !== undefined) this.#zeros.set(segment, zeroOf(cotangent));
    }
    return (name) => this.#again(segment, name);
  }

  #kept(name: string): Tensor {
    const tensor = this.#graph.find(name);
    if (tensor === null) throw new TypeError(`there is no value ${name}`);
    return tensor;
  }

  #isInside(segment: string, name: string): boolean {
    const producer = this.#producers.get(name);
    return producer !== undefined && this.#segmentOf(producer) === segment;
  }

  #again(segment: string, name: string): Tensor {
    if (!this.#isInside(segment, name)) return this.#kept(name);
    const known = this.#copies.get(name);
    if (known !== undefined) return known;
    const producer = this.#producers.get(name);
    if (producer === undefined) throw new TypeError(`nothing computes ${name}`);
    const inputs = producer.inputs.map((input) => {
      if (input === '') return null;
      return this.#isInside(segment, input) ? this.#again(segment, input) : this.#entering(segment, input);
    });
    const outputs = producer.outputs.map((output) => this.#kept(output));
    const copies = this.#graph.ops(producer.opType, inputs, outputs.length, producer.attributes, { domain: producer.domain, outputs });
    producer.outputs.forEach((output, index) => {
      const copy = copies[index];
      if (copy !== undefined) this.#copies.set(output, copy);
    });
    return this.#again(segment, name);
  }

  /** A value from outside the segment, made to wait. Constants are no results that could be shared, and need not. */
  #entering(segment: string, name: string): Tensor {
    const value = this.#kept(name);
    const zero = this.#zeros.get(segment);
    if (zero === undefined || !(isFloat(value.type) || value.type === 'int32') || this.#graph.isConstant(value)) return value;
    const key = `${segment}|${name}`;
    const waiting = this.#copies.get(key) ?? add(value, cast(zero, value.type));
    this.#copies.set(key, waiting);
    return waiting;
  }
}

function zeroOf(cotangent: Tensor): Tensor {
  const axes = cotangent.shape.map((_, axis) => axis);
  const element =
    axes.length === 0
      ? cotangent
      : slice(
          cotangent,
          axes.map((axis) => ({ axis, start: 0, end: 1 })),
        );
  return mul(axes.length === 0 ? element : reduceSum(element, axes, { keepDimensions: false }), 0);
}
