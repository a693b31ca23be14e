import { isTrainedResnet, isTrainedTransformer, type TrainableModel } from './model.js';

/** What activations may take before the batch is cut. Weights, gradients and onnxruntime's working memory come on top. */
const ACTIVATION_BYTES = 2 * 2 ** 30;
/** Tensors of a block that are kept for the way back, in units of tokens × width: norms, queries, keys, values, projection, MLP of width 4 twice. */
const KEPT_PER_TOKEN = 20;

/** Bytes that one picture takes in a fixed backbone, for each pixel of its input: a wide first stage of a convolutional network, in and out. */
const FIXED_PER_PIXEL = 4 * 64;

/** Bytes of the activations that one picture leaves behind on its way through the backbones, about. */
export function activationBytes({ backbones, inputSize }: TrainableModel): number {
  return backbones.reduce((sum, backbone) => {
    if (!isTrainedTransformer(backbone)) return sum + FIXED_PER_PIXEL * inputSize ** 2;
    const { spec } = backbone;
    const tokens = 1 + spec.registers + (inputSize / spec.patch) ** 2;
    return sum + 4 * spec.depth * (KEPT_PER_TOKEN * tokens * spec.dimension + 2 * spec.heads * tokens * tokens);
  }, 0);
}

/**
 * Pictures that go through the backbones at once: the whole batch (null) where its activations fit, since pieces cost a second pass forward,
 * else as few equal pieces as fit. A batch that BatchNorm of a backbone has to see is never cut.
 */
export function automaticMicroBatch(model: TrainableModel, batchSize: number): number | null {
  if (model.backbones.some(isTrainedResnet)) return null;
  const most = Math.max(1, Math.floor(ACTIVATION_BYTES / activationBytes(model)));
  return most >= batchSize ? null : Math.ceil(batchSize / Math.ceil(batchSize / most));
}
