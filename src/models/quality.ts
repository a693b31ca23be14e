import { ModelError } from '../common/errors.js';
import { GraphBuilder, type Tensor } from '../onnx/builder.js';
import type { OnnxModel } from '../onnx/graph.js';
import * as ops from '../onnx/ops.js';

/** Name of the graph output that holds the measures, float32 `[N, 7]`. */
export const QUALITY_OUTPUT = 'quality';

/** Order of the measures in the output; what each means stands at `QualityMeasures` in inference/embedder.ts. */
export const QUALITY_MEASURES = ['luminance', 'litShare', 'glareShare', 'sharpness', 'redness', 'saturation', 'contrast'] as const;

/** Measures are taken at this size, so that one threshold serves models of every input size. */
const SIDE = 224;
/** ITU-R BT.601 luma. */
const LUMA = [0.299, 0.587, 0.114];
/** Below it lies the black of borders and masks, noise of the camera and of the compression included. */
const LIT_FROM = 0.06;
const GLARE_FROM = 0.92;
/** Pixels this close to the dark are left out of the sharpness: the edge of the field of view is always sharp. */
const EDGE_PX = 4;

/**
 * The quality measures of uint8 `pixels` `[N, height, width, 3]` as float32 `[N, 7]`.
 */
export function qualityMeasures(pixels: Tensor): Tensor {
  const graph = pixels.builder;
  return graph.scope('quality', () => {
    const rgb = atMeasuringSize(ops.mul(ops.transpose(ops.cast(pixels, 'float32'), [0, 3, 1, 2]), 1 / 255));
    const luminance = ops.conv(rgb, graph.constant(null, 'float32', [1, 3, 1, 1], LUMA), null);
    const lit = ops.cast(ops.greater(luminance, LIT_FROM), 'float32');
    const litShare = mean(lit);
    const over = (mask: Tensor, share: Tensor) => {
      const enough = ops.clip(share, 1e-4, null);
      return (values: Tensor): Tensor => ops.div(mean(ops.mul(values, mask)), enough);
    };
    const overLit = over(lit, litShare);

    const meanLuminance = overLit(luminance);
    const variance = overLit(square(ops.sub(luminance, meanLuminance)));
    const brightest = ops.reduceMax(rgb, [1]);
    const darkest = ops.reduceMin(rgb, [1]);
    const saturation = overLit(ops.div(ops.sub(brightest, darkest), ops.clip(brightest, 1e-3, null)));
    const red = ops.slice(rgb, [{ axis: 1, start: 0, end: 1 }]);
    const redness = overLit(ops.div(red, ops.clip(ops.reduceSum(rgb, [1]), 1e-3, null)));
    const glare = overLit(ops.cast(ops.greater(luminance, GLARE_FROM), 'float32'));

    const side = 2 * EDGE_PX + 1;
    const inner = ops.sub(1, ops.maxPool(ops.sub(1, lit), [side, side], { pads: [EDGE_PX, EDGE_PX, EDGE_PX, EDGE_PX] }));
    const laplacian = ops.conv(luminance, graph.constant(null, 'float32', [1, 1, 3, 3], [0, 1, 0, 1, -4, 1, 0, 1, 0]), null, {
      pads: [1, 1, 1, 1],
    });
    const energy = over(inner, mean(inner))(square(laplacian));
    // The floors keep an evenly black picture finite: its sharpness is log10(1e-7 / 1e-4) = −3, blurred by any standard.
    const ratio = ops.div(ops.clip(energy, 1e-7, null), ops.clip(variance, 1e-4, null));
    const sharpness = ops.mul(ops.log(ratio), Math.LOG10E);

    const measures = {
      luminance: meanLuminance,
      litShare,
      glareShare: glare,
      sharpness,
      redness,
      saturation,
      contrast: ops.sqrt(variance),
    };
    const columns = QUALITY_MEASURES.map((name) => measures[name]);
    return ops.reshape(ops.concat(columns, 1), [pixels.shape[0] ?? 1, QUALITY_MEASURES.length]);
  });
}

/**
 * The same model with the quality measures as a further output; unchanged when it has them. For graphs that were not built here.
 *
 * @throws ModelError `model-quality` when its operator set is older than 13 or newer than 22, or its input is not raw pixels.
 */
export function withQuality(model: OnnxModel, input: { readonly width: number; readonly height: number }): OnnxModel {
  if (model.graph.outputs.some(({ name }) => name === QUALITY_OUTPUT)) return model;
  const name = model.graph.name;
  const opset = model.opsets.get('') ?? 0;
  if (opset < 13 || opset > 22) {
    throw new ModelError(
      'model-quality',
      `${name} is written for operator set ${String(opset)}; quality measures can be joined to sets 13 to 22.`,
      {
        remedy: 'Export the model again for operator set 18.',
      },
    );
  }
  const graph = new GraphBuilder({ name, opset });
  const pixels = graph.input('pixels', 'uint8', ['N', input.height, input.width, 3]);
  for (const [output, tensor] of graph.merge(model, { pixels }, 'model/')) graph.output(output, tensor);
  graph.output(QUALITY_OUTPUT, qualityMeasures(pixels));
  return graph.model();
}

function atMeasuringSize(rgb: Tensor): Tensor {
  const [, , height, width] = rgb.shape;
  return height === SIDE && width === SIDE ? rgb : ops.resize(rgb, [SIDE, SIDE], { mode: 'linear', antialias: rgb.builder.opset >= 18 });
}

function mean(x: Tensor): Tensor {
  return ops.reduceMean(x, [1, 2, 3]);
}

function square(x: Tensor): Tensor {
  return ops.mul(x, x);
}
