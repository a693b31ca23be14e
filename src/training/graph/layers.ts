import type { GraphBuilder, Tensor } from '../../onnx/builder.js';
import { elementsOf } from '../../onnx/dimensions.js';
import { contrib, float, gemm, int, mul, reshape, slice } from '../../onnx/ops.js';
import { LAYER_NORM_EPSILON } from '../../models/graph/vit.js';
import { expectedTensors } from '../../models/backbones/spec.js';
import type { BackboneReader } from '../../models/graph/weights.js';
import type { TrainedTransformer } from '../model.js';
import type { Dropout } from './dropout.js';

/** Some of the outputs of a layer, and which of the rows it is given they are wanted for. */
export interface Part {
  readonly from: number;
  readonly to: number;
}

/** The weights of one backbone in a training graph: constants where they are frozen, inputs of the graph where they are trained. */
export class Layers {
  readonly graph: GraphBuilder;
  readonly backbone: TrainedTransformer;
  readonly #weights: BackboneReader;
  readonly #parameters: ReadonlyMap<string, Tensor>;
  readonly #dropout: Dropout | null;
  readonly #shapes: ReadonlyMap<string, readonly number[]>;

  constructor(
    graph: GraphBuilder,
    backbone: TrainedTransformer,
    weights: BackboneReader,
    parameters: ReadonlyMap<string, Tensor>,
    dropout: Dropout | null,
  ) {
    this.graph = graph;
    this.backbone = backbone;
    this.#weights = weights;
    this.#parameters = parameters;
    this.#dropout = dropout;
    this.#shapes = expectedTensors(backbone.spec);
  }

  get trainsAll(): boolean {
    return this.backbone.training.kind === 'all';
  }

  get reader(): BackboneReader {
    return this.#weights;
  }

  fetch(prefix: string): Promise<void> {
    return this.trainsAll ? Promise.resolve() : this.#weights.fetch(prefix);
  }

  /** A weight under the name of the original code, in its own shape. */
  tensor(name: string): Tensor {
    const parameter = this.#parameters.get(`${this.backbone.name}.${name}`);
    if (parameter !== undefined) return parameter;
    return this.graph.constant(name, 'float32', this.#shapes.get(name) ?? [], this.#weights.take(name));
  }

  norm(x: Tensor, name: string): Tensor {
    const attributes = { axis: int(-1), epsilon: float(LAYER_NORM_EPSILON) };
    // The moments are outputs for the way back.
    const [result] = this.graph.ops('LayerNormalization', [x, this.tensor(`${name}.weight`), this.tensor(`${name}.bias`)], 3, attributes);
    if (result === undefined) throw new TypeError('LayerNormalization has an output');
    return result;
  }

  /**
   * Prepares the layer `name` for rows `[rows, inputs]`; the function that is returned gives some of its outputs, `[rows, to − from]`, for those of
   * the rows that `rowsOf` selects. `gain` names the factor per output that follows it (LayerScale).
   */
  linear(x: Tensor, name: string, rowsOf: (rows: Tensor) => Tensor, gain: string | null = null): (part?: Part, select?: Select) => Tensor {
    const [outputs = 0, inputs = 0] = this.#shapes.get(`${name}.weight`) ?? [];
    const base = this.#base(name, outputs, inputs, gain);
    const update = this.#update(x, name, inputs, rowsOf, base.factors);
    return (part = { from: 0, to: outputs }, select = (rows) => rows) => {
      const [weight, bias] = base.part(part);
      const result = gemm(select(x), weight, bias, { transB: true });
      const updated = update === null ? result : gemm(select(update.inner), update.outer(part), result, { transB: true });
      return base.gain === null ? updated : mul(updated, base.gain);
    };
  }

  #base(name: string, outputs: number, inputs: number, gainName: string | null): Base {
    if (this.trainsAll) {
      const weight = this.tensor(`${name}.weight`);
      const bias = this.tensor(`${name}.bias`);
      const rows = (tensor: Tensor, { from, to }: Part): Tensor =>
        from === 0 && to === outputs ? tensor : slice(tensor, [{ axis: 0, start: from, end: to }]);
      return {
        part: (part) => [rows(weight, part), rows(bias, part)],
        gain: gainName === null ? null : this.tensor(gainName),
        factors: null,
      };
    }
    // A frozen factor is folded into the weights, and into B of the update.
    const factors = gainName === null ? null : this.#weights.take(gainName);
    const weight = scaledRows(this.#weights.take(`${name}.weight`), factors, inputs);
    const bias = scaledRows(this.#weights.take(`${name}.bias`), factors, 1);
    return {
      part: ({ from, to }) => {
        const suffix = from === 0 && to === outputs ? '' : `.${String(from)}`;
        return [
          this.graph.constant(`${name}.weight${suffix}`, 'float32', [to - from, inputs], weight.subarray(from * inputs, to * inputs)),
          this.graph.constant(`${name}.bias${suffix}`, 'float32', [to - from], bias.subarray(from, to)),
        ];
      },
      gain: null,
      factors,
    };
  }

  /** LoRA: (alpha / rank) · B·A on inputs of which some are dropped. */
  #update(x: Tensor, name: string, inputs: number, rowsOf: (rows: Tensor) => Tensor, factors: Float32Array | null): Update | null {
    const { training } = this.backbone;
    const a = this.#parameters.get(`${this.backbone.name}.${name}.lora_A.weight`);
    const b = this.#parameters.get(`${this.backbone.name}.${name}.lora_B.weight`);
    if (training.kind !== 'lora' || a === undefined || b === undefined) return null;
    const { rank, alpha } = training;
    const kept = this.#dropout === null ? x : this.#dropout.drop(x, rowsOf);
    const scale = alpha / rank / (1 - (this.#dropout?.share ?? 0));
    const outputs = elementsOf([b.shape[0] ?? 0]);
    const flat = reshape(b, [outputs, rank]);
    const scaled =
      factors === null
        ? mul(flat, scale)
        : mul(
            flat,
            this.graph.constant(
              `${name}.lora_scale`,
              'float32',
              [factors.length, 1],
              factors.map((factor) => factor * scale),
            ),
          );
    return {
      inner: gemm(kept, reshape(a, [rank, inputs]), null, { transB: true }),
      outer: ({ from, to }) => (from === 0 && to === outputs ? scaled : slice(scaled, [{ axis: 0, start: from, end: to }])),
    };
  }

  /** The update of the patch convolution alone, on rows of `3 · P · P` normalised pixels. */
  patchUpdate(rows: Tensor, rowsOf: (rows: Tensor) => Tensor): Tensor | null {
    const inputs = Number(rows.shape[1]);
    const update = this.#update(rows, 'patch_embed.proj', inputs, rowsOf, null);
    return update === null ? null : gemm(update.inner, update.outer({ from: 0, to: this.backbone.spec.dimension }), null, { transB: true });
  }

  gelu(x: Tensor): Tensor {
    return contrib('Gelu', [x], {}, { outputs: [{ type: x.type, shape: x.shape }] });
  }
}

type Select = (rows: Tensor) => Tensor;

interface Base {
  readonly part: (part: Part) => readonly [weight: Tensor, bias: Tensor];
  readonly gain: Tensor | null;
  readonly factors: Float32Array | null;
}

interface Update {
  readonly inner: Tensor;
  readonly outer: (part: Part) => Tensor;
}

function scaledRows(values: Float32Array, factors: Float32Array | null, width: number): Float32Array {
  return factors === null ? values : values.map((value, index) => value * (factors[Math.floor(index / width)] ?? 1));
}
