/** Where one part of a model came from and what may be done with it. */
export interface ModelPart {
  /** `backbone:gastronet`, `fusion-head`, `statistics`, … */
  readonly name: string;
  /** SHA-256 of the part's bytes, hex. */
  readonly sha256: string;
  /** SPDX identifier, or a sentence where none fits. */
  readonly licence: string;
  /** File or address the part was made from. */
  readonly origin: string;
}

/**
 * A model ready to run: one ONNX graph from raw pixels to the embedding.
 *
 * Graph contract: input `pixels` uint8 `[N, height, width, 3]` RGB; output `embedding` float32 `[N, dimension]`,
 * L2-normalised; optional outputs `feature:<backbone>` float32 `[N, d]`.
 */
export interface Model {
  readonly name: string;
  /** SHA-256 over the parts and the preprocessing, hex; two models with one fingerprint give one embedding. */
  readonly fingerprint: string;
  /** The ONNX bytes, or the path of a file that holds them. */
  readonly graph: Uint8Array | string;
  /** Size to which the field of view is squashed (bilinear, antialiased, aspect not kept), px. */
  readonly input: { readonly width: number; readonly height: number };
  /** Length of the embedding. */
  readonly dimension: number;
  /** Names of the optional outputs, without the `feature:` prefix, in order. */
  readonly backbones: readonly string[];
  readonly parts: readonly ModelPart[];
  /** What whoever takes it must know. */
  readonly notice?: string;
}

/**
 * A model whose last step (whitening) is fitted on the pictures of a gallery: `base` computes the raw features as its
 * `feature:<backbone>` outputs, `fit` makes the statistics from them, `fitted` the runnable model. The gallery keeps the
 * statistics, so that the same gallery always gives the same model.
 */
export interface FittableModel {
  readonly name: string;
  readonly base: Model;
  /** `features[backbone]` is `[count, d]`; `labels[i]` is the label of row i. Returns opaque bytes to be kept. Deterministic. */
  fit(features: Readonly<Record<string, Float32Array>>, labels: readonly string[]): Uint8Array;
  /** @throws ModelError when the bytes are not statistics of this model. */
  fitted(statistics: Uint8Array): Model;
  /**
   * The embeddings `[count, dimension]` that the fitted model gives for pictures whose raw features are at hand, to float32 rounding: so
   * that a gallery is embedded, and cross-fitted, without running the graph over its pictures again.
   * @throws ModelError when the bytes are not statistics of this model.
   */
  project(features: Readonly<Record<string, Float32Array>>, statistics: Uint8Array): Float32Array<ArrayBuffer>;
}
