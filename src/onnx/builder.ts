import { messageOf, ModelError } from '../common/errors.js';
import { formatShape } from './dimensions.js';
import type {
  Attribute,
  Attributes,
  DataType,
  Dimension,
  Graph,
  GraphValue,
  Initializer,
  Node,
  OnnxModel,
  Shape,
  TensorInfo,
} from './graph.js';
import { inferNode, sameInfo } from './infer.js';
import { integersOf, makeInitializer, type TensorData } from './tensor-data.js';

/** Operator set of emitted graphs: ONNX 1.13, in which reductions, Split, Pad and Resize have the form that ops.ts writes. */
export const OPSET = 18;

/** File format version that goes with `opset`. onnxruntime 1.30 reads up to 11. */
function irVersionOf(opset: number): number {
  return opset < 19 ? 8 : opset < 21 ? 9 : 10;
}

/** A value of a graph under construction. Only a `GraphBuilder` makes them. */
export interface Tensor extends TensorInfo {
  readonly builder: GraphBuilder;
  readonly name: string;
}

export interface GraphBuilderOptions {
  readonly name?: string;
  /** Version of the standard operator set, 13…22. Only graphs that are joined with a foreign one need another than the default. */
  readonly opset?: number;
}

export interface NodeOptions {
  readonly domain?: string;
  /** Types and shapes of the outputs where inference cannot know them. */
  readonly outputs?: readonly TensorInfo[];
}

/**
 * Builds a graph node by node. Each value's type and shape is known as soon as it is made, and a node whose inputs do not go together
 * throws at once, at the place that is wrong.
 *
 * ```ts
 * const graph = new GraphBuilder();
 * const pixels = graph.input('pixels', 'uint8', ['N', 224, 224, 3]);
 * graph.output('mean', ops.reduceMean(ops.cast(pixels, 'float32'), [1, 2, 3]));
 * const bytes = encodeModel(graph.model());
 * ```
 */
export class GraphBuilder {
  readonly name: string;
  readonly opset: number;
  readonly #nodes: Node[] = [];
  readonly #inputs: GraphValue[] = [];
  readonly #outputs: GraphValue[] = [];
  readonly #initializers = new Map<string, Initializer>();
  readonly #values = new Map<string, TensorInfo>();
  readonly #integers = new Map<string, readonly Dimension[]>();
  readonly #opsets: Map<string, number>;
  readonly #opaqueModelFields: Uint8Array[] = [];
  readonly #metadata = new Map<string, string>();
  readonly #smallConstants = new Map<string, Tensor>();
  readonly #usedNames = new Set<string>();
  readonly #nextOfName = new Map<string, number>();
  #scope = '';
  #irVersion: number;

  constructor(options: GraphBuilderOptions = {}) {
    this.name = options.name ?? 'lumenmark';
    this.opset = options.opset ?? OPSET;
    if (!Number.isInteger(this.opset) || this.opset < 13 || this.opset > 22)
      throw new TypeError(`opset is ${String(this.opset)}; 13 to 22 can be built`);
    this.#opsets = new Map([['', this.opset]]);
    this.#irVersion = irVersionOf(this.opset);
  }

  input(name: string, type: DataType, shape: Shape): Tensor {
    const tensor = this.#value(this.#claim(name), { type, shape });
    this.#inputs.push({ name, info: { type, shape } });
    return tensor;
  }

  /** Names `tensor` as an output of the graph. */
  output(name: string, tensor: Tensor): void {
    this.#own(tensor);
    const info = { type: tensor.type, shape: tensor.shape };
    if (tensor.name !== name) {
      this.#claim(name);
      this.#value(name, info);
      this.#nodes.push({
        name: this.#fresh(`${name}/Identity`),
        opType: 'Identity',
        domain: '',
        inputs: [tensor.name],
        outputs: [name],
        attributes: {},
      });
    }
    this.#outputs.push({ name, info });
  }

  /**
   * A constant: weights under their own name, small ones (`name` null) shared wherever the same value is used again. `data` is kept by
   * reference where it is an array of bytes or of the right element type.
   */
  constant(name: string | null, type: DataType, shape: readonly number[], data: TensorData): Tensor {
    if (name === null) {
      const key = ArrayBuffer.isView(data)
        ? null
        : `${type}|${shape.join()}|${data.map((value) => (Object.is(value, -0) ? '-0' : String(value))).join()}`;
      const shared = key === null ? undefined : this.#smallConstants.get(key);
      if (shared !== undefined) return shared;
      const tensor = this.#initializer(makeInitializer(this.#fresh('constant'), type, shape, data));
      if (key !== null) this.#smallConstants.set(key, tensor);
      return tensor;
    }
    return this.#initializer(makeInitializer(this.#claim(this.#scope + name), type, shape, data));
  }

  scalar(type: DataType, value: number): Tensor {
    return this.constant(null, type, [], [value]);
  }

  int64(values: readonly number[]): Tensor {
    return this.constant(null, 'int64', [values.length], values);
  }

  /** Whole numbers that `tensor` is known to hold (shapes, axes, bounds), or null. */
  integers(tensor: Tensor): readonly Dimension[] | null {
    return this.#integers.get(tensor.name) ?? null;
  }

  /** The value of that name, or null when there is none. */
  find(name: string): Tensor | null {
    const info = this.#values.get(name);
    return info === undefined ? null : { builder: this, name, type: info.type, shape: info.shape };
  }

  isConstant(tensor: Tensor): boolean {
    return this.#initializers.has(tensor.name);
  }

  /** The nodes so far, in the order in which they were added. */
  nodes(): readonly Node[] {
    return [...this.#nodes];
  }

  /** Adds a node with one output. Null stands for an optional input that is left out. */
  op(opType: string, inputs: readonly (Tensor | null)[], attributes: Attributes = {}, options: NodeOptions = {}): Tensor {
    const [output] = this.ops(opType, inputs, 1, attributes, options);
    if (output === undefined) throw new TypeError(`${opType} has no output`);
    return output;
  }

  /** Adds a node with `outputCount` outputs. @throws ModelError `graph-node` when the inputs do not go together. */
  ops(
    opType: string,
    inputs: readonly (Tensor | null)[],
    outputCount: number,
    attributes: Attributes = {},
    options: NodeOptions = {},
  ): readonly Tensor[] {
    for (const input of inputs) if (input !== null) this.#own(input);
    const domain = options.domain ?? '';
    const name = this.#fresh(opType);
    const { outputs: infos, integers } = this.#infer(opType, domain, name, inputs, outputCount, attributes, options.outputs);
    const outputs = infos.map((info, index) => this.#value(this.#claim(index === 0 ? `${name}:0` : `${name}:${String(index)}`), info));
    if (integers && outputs[0] !== undefined) this.#integers.set(outputs[0].name, integers);
    const names = inputs.map((input) => input?.name ?? '');
    while (names.at(-1) === '') names.pop();
    this.#nodes.push({ name, opType, domain, inputs: names, outputs: outputs.map((output) => output.name), attributes });
    if (domain !== '' && !this.#opsets.has(domain)) this.#opsets.set(domain, 1);
    return outputs;
  }

  /** Names made inside `build` start with `name/`, so that a profile or an error says which part of the network it speaks of. */
  scope<T>(name: string, build: () => T): T {
    const outer = this.#scope;
    this.#scope = `${outer}${name}/`;
    try {
      return build();
    } finally {
      this.#scope = outer;
    }
  }

  /**
   * Takes over a whole graph, for instance one read from a file, with `bindings` in the place of its inputs. All its names get `prefix`.
   * Returns its outputs by name.
   *
   * @throws ModelError `graph-merge` when an input is left open, types differ, or operator sets do not go together.
   */
  merge(model: OnnxModel, bindings: Readonly<Record<string, Tensor>>, prefix: string): ReadonlyMap<string, Tensor> {
    this.#mergeOpsets(model);
    const { graph } = model;
    if (graph.opaque.length > 0 || model.opaque.length > 0) {
      throw new ModelError(
        'graph-merge',
        `${graph.name} holds functions, sparse weights or annotations, which cannot be joined with another graph.`,
      );
    }
    const renamed = new Map<string, string>();
    for (const { name, info } of graph.inputs) {
      if (graph.initializers.has(name) && bindings[name] === undefined) continue;
      const bound = bindings[name];
      if (bound === undefined) throw new ModelError('graph-merge', `Input ${name} of ${graph.name} is left open.`);
      this.#own(bound);
      if (info !== null && !accepts(info, bound)) {
        throw new ModelError(
          'graph-merge',
          `Input ${name} of ${graph.name} is ${info.type} ${formatShape(info.shape)}, not ${bound.type} ${formatShape(bound.shape)}.`,
        );
      }
      renamed.set(name, bound.name);
    }
    for (const initializer of graph.initializers.values()) {
      if (renamed.has(initializer.name)) continue;
      const name = this.#claim(prefix + initializer.name);
      renamed.set(initializer.name, name);
      this.#initializer({ ...initializer, name });
    }
    for (const node of graph.nodes) {
      for (const output of node.outputs) if (output !== '') renamed.set(output, this.#claim(prefix + output));
    }
    const outputs = new Map<string, Tensor>();
    for (const node of graph.nodes) {
      const copy = renameNode(node, renamed, prefix);
      this.#nodes.push(copy);
      const infos = this.#inferMerged(copy);
      node.outputs.forEach((output, index) => {
        const info = infos?.outputs[index] ?? graph.values.get(output);
        const name = copy.outputs[index] ?? '';
        if (info !== undefined && name !== '') this.#values.set(name, info);
        if (index === 0 && infos?.integers) this.#integers.set(name, infos.integers);
      });
    }
    for (const { name } of graph.outputs) {
      const target = renamed.get(name) ?? name;
      const info = this.#values.get(target);
      if (info === undefined) throw new ModelError('graph-merge', `Type and shape of output ${name} of ${graph.name} are not known.`);
      outputs.set(name, { builder: this, name: target, ...info });
    }
    for (const [key, value] of model.metadata) this.#metadata.set(key, value);
    return outputs;
  }

  metadata(key: string, value: string): void {
    this.#metadata.set(key, value);
  }

  graph(): Graph {
    return {
      name: this.name,
      nodes: [...this.#nodes],
      inputs: [...this.#inputs],
      outputs: [...this.#outputs],
      initializers: new Map(this.#initializers),
      values: new Map(this.#values),
      opaque: [],
    };
  }

  model(): OnnxModel {
    return {
      graph: this.graph(),
      irVersion: this.#irVersion,
      opsets: new Map(this.#opsets),
      metadata: new Map(this.#metadata),
      opaque: [...this.#opaqueModelFields],
    };
  }

  #infer(
    opType: string,
    domain: string,
    name: string,
    inputs: readonly (Tensor | null)[],
    outputCount: number,
    attributes: Attributes,
    declared: readonly TensorInfo[] | undefined,
  ): { outputs: readonly TensorInfo[]; integers?: readonly Dimension[] | null } {
    const place = `${name} (${inputs.map((input) => (input === null ? '–' : `${input.type} ${formatShape(input.shape)}`)).join(', ')})`;
    const integers = (index: number): readonly Dimension[] | null => {
      const input = inputs[index] ?? null;
      return input === null ? null : this.integers(input);
    };
    try {
      const inferred = inferNode({ opType, domain, attributes, inputs, integers, outputCount, opset: this.opset });
      if (declared !== undefined) return { outputs: declared, integers: inferred?.integers ?? null };
      if (inferred !== null) return inferred;
    } catch (error) {
      throw new ModelError('graph-node', `Node ${place} cannot be: ${messageOf(error)}.`, { cause: error });
    }
    throw new ModelError('graph-node', `The outputs of node ${place} cannot be inferred; declare them.`);
  }

  #inferMerged(node: Node): ReturnType<typeof inferNode> {
    const inputs = node.inputs.map((input) => (input === '' ? null : (this.#values.get(input) ?? null)));
    if (node.inputs.some((input, index) => input !== '' && inputs[index] === null)) return null;
    try {
      return inferNode({
        ...node,
        inputs,
        integers: (index) => this.#integers.get(node.inputs[index] ?? '') ?? null,
        outputCount: node.outputs.length,
        opset: this.opset,
      });
    } catch {
      // A foreign graph is judged by onnxruntime, not by our rules; here only what is known for sure counts.
      return null;
    }
  }

  #mergeOpsets(model: OnnxModel): void {
    for (const [domain, version] of model.opsets) {
      const own = this.#opsets.get(domain);
      if (own === undefined) this.#opsets.set(domain, version);
      else if (own !== version) {
        throw new ModelError(
          'graph-merge',
          `${model.graph.name} is written for operator set ${String(version)}, this graph for ${String(own)}.`,
        );
      }
    }
    this.#irVersion = Math.max(this.#irVersion, model.irVersion);
  }

  #initializer(initializer: Initializer): Tensor {
    this.#initializers.set(initializer.name, initializer);
    const integers = integersOf(initializer);
    if (integers !== null) this.#integers.set(initializer.name, integers);
    return this.#value(initializer.name, { type: initializer.type, shape: initializer.shape });
  }

  #value(name: string, info: TensorInfo): Tensor {
    this.#values.set(name, info);
    return { builder: this, name, type: info.type, shape: info.shape };
  }

  #own(tensor: Tensor): void {
    const info = this.#values.get(tensor.name);
    if (tensor.builder !== this || info === undefined || !sameInfo(info, tensor)) {
      throw new ModelError('graph-node', `Value ${tensor.name} belongs to another graph.`);
    }
  }

  #claim(name: string): string {
    if (name === '' || this.#usedNames.has(name))
      throw new ModelError('graph-name', `The name “${name}” is taken already in graph ${this.name}.`);
    this.#usedNames.add(name);
    return name;
  }

  #fresh(base: string): string {
    const scoped = this.#scope + base;
    for (;;) {
      const count = this.#nextOfName.get(scoped) ?? 0;
      this.#nextOfName.set(scoped, count + 1);
      const name = count === 0 ? scoped : `${scoped}_${String(count)}`;
      if (!this.#usedNames.has(name)) {
        this.#usedNames.add(name);
        return name;
      }
    }
  }
}

/** Symbolic lengths fit every length: what they stand for is only known when the graph runs. */
function accepts(wanted: TensorInfo, given: TensorInfo): boolean {
  const fits = (length: Dimension, axis: number): boolean =>
    typeof length === 'string' || typeof given.shape[axis] === 'string' || length === given.shape[axis];
  return wanted.type === given.type && wanted.shape.length === given.shape.length && wanted.shape.every(fits);
}

function renameNode(node: Node, renamed: ReadonlyMap<string, string>, prefix: string): Node {
  const rename = (name: string): string => (name === '' ? '' : (renamed.get(name) ?? name));
  return {
    ...node,
    name: prefix + node.name,
    inputs: node.inputs.map(rename),
    outputs: node.outputs.map(rename),
    attributes: Object.fromEntries(Object.entries(node.attributes).map(([key, value]) => [key, renameInAttribute(value, renamed, prefix)])),
  };
}

/** A graph inside an attribute (the branches of If, the body of Loop) sees the names around it and adds its own. */
function renameInAttribute(attribute: Attribute, outer: ReadonlyMap<string, string>, prefix: string): Attribute {
  if (attribute.kind !== 'graph') return attribute;
  const graph = attribute.value;
  const renamed = new Map(outer);
  const own = [...graph.inputs.map((value) => value.name), ...graph.initializers.keys(), ...graph.nodes.flatMap((node) => node.outputs)];
  for (const name of own) if (name !== '') renamed.set(name, prefix + name);
  const rename = (name: string): string => renamed.get(name) ?? name;
  const renameValue = (value: GraphValue): GraphValue => ({ ...value, name: rename(value.name) });
  return {
    kind: 'graph',
    value: {
      ...graph,
      nodes: graph.nodes.map((node) => renameNode(node, renamed, prefix)),
      inputs: graph.inputs.map(renameValue),
      outputs: graph.outputs.map(renameValue),
      initializers: new Map([...graph.initializers].map(([name, value]) => [rename(name), { ...value, name: rename(name) }])),
      values: new Map([...graph.values].map(([name, info]) => [rename(name), info])),
    },
  };
}
