import { messageOf, ModelError } from '../../common/errors.js';
import type { GraphBuilder, Tensor } from '../builder.js';
import { formatShape, sameShape } from '../dimensions.js';
import { isFloat, type Node } from '../graph.js';
import { Recomputation } from './recomputation.js';
import { RULES } from './registry.js';
import { NodeView, type Term } from './rule.js';

/** An output of the forward pass and the cotangent it is given: of its own shape. */
export interface Seed {
  readonly output: Tensor;
  readonly cotangent: Tensor;
}

export interface GradientOptions {
  /**
   * Names the segment that a node of the forward pass belongs to, or null. What lies inside a segment is not kept for the way back but
   * computed again from what enters it (Chen et al. 2016, “Training deep nets with sublinear memory cost”).
   */
  readonly segmentOf?: (node: Node) => string | null;
}

/**
 * Emits, behind the nodes that the graph has so far, the gradient of Σ ⟨cotangent, output⟩ with respect to each of `targets`: reverse
 * accumulation, one vector-Jacobian product per node. Only nodes on a path from a target to an output are followed; so weights that nobody
 * asks about cost nothing. Returns null for a target that no output depends on.
 *
 * A scalar loss is given the cotangent 1. Results that are not floats (comparisons, casts to whole numbers, shapes) count as constants.
 *
 * @throws ModelError `gradient` for an operator on such a path that has no gradient, with its node and the reason.
 */
export function gradients(seeds: readonly Seed[], targets: readonly Tensor[], options: GradientOptions = {}): readonly (Tensor | null)[] {
  const [first] = seeds;
  if (first === undefined) return targets.map(() => null);
  const graph = first.output.builder;
  const nodes = graph.nodes();
  const dependent = dependents(graph, nodes, targets);
  const recomputation = new Recomputation(graph, nodes, options.segmentOf ?? (() => null));
  const terms = new Map<string, Term[]>();
  const addTerm = (name: string, term: Term): void => {
    const known = terms.get(name);
    if (known === undefined) terms.set(name, [term]);
    else known.push(term);
  };
  for (const { output, cotangent } of seeds) {
    if (!sameShape(output.shape, cotangent.shape)) {
      throw new ModelError(
        'gradient',
        `The cotangent of ${output.name} is ${formatShape(cotangent.shape)}, not ${formatShape(output.shape)}.`,
      );
    }
    if (dependent.has(output.name)) addTerm(output.name, (sum) => (sum === null ? cotangent : graph.op('Add', [sum, cotangent])));
  }
  // The sum of the terms of a value is emitted once, when all its consumers have been passed.
  const sums = new Map<string, Tensor>();
  const cotangentOf = (name: string): Tensor | null => {
    const known = sums.get(name);
    if (known !== undefined) return known;
    const sum = (terms.get(name) ?? []).reduce<Tensor | null>((total, term) => term(total), null);
    if (sum !== null) sums.set(name, sum);
    return sum;
  };
  for (const node of nodes.toReversed()) {
    if (!node.outputs.some((name) => dependent.has(name) && terms.has(name))) continue;
    try {
      const cotangents = node.outputs.map((name) => (dependent.has(name) ? cotangentOf(name) : null));
      const value = recomputation.valuesFor(node, cotangents);
      ruleOf(node)(new NodeView(graph, node, value), cotangents).forEach((term, index) => {
        const input = node.inputs[index] ?? '';
        if (term !== null && dependent.has(input)) addTerm(input, term);
      });
    } catch (error) {
      if (error instanceof ModelError && error.code === 'gradient') throw error;
      throw new ModelError('gradient', `No gradient of ${node.name}: ${messageOf(error)}.`, { cause: error });
    }
  }
  return targets.map((target) => cotangentOf(target.name));
}

function ruleOf(node: Node): NonNullable<ReturnType<typeof RULES.get>> {
  const rule = RULES.get(node.opType);
  if (rule === undefined) throw new ModelError('gradient', `No gradient of ${node.name}: the operator ${node.opType} has none here.`);
  return rule;
}

/** Names of the float values that depend on a target. */
function dependents(graph: GraphBuilder, nodes: readonly Node[], targets: readonly Tensor[]): ReadonlySet<string> {
  const found = new Set(targets.map((target) => target.name));
  for (const node of nodes) {
    if (!node.inputs.some((name) => found.has(name))) continue;
    for (const name of node.outputs) {
      const info = graph.find(name);
      if (info !== null && isFloat(info.type)) found.add(name);
    }
  }
  return found;
}
