import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel } from '../../src/onnx/encode.js';
import { officialRecipe } from '../../src/models/backbones/spec.js';
import { buildModelGraph } from '../../src/models/graph/model-graph.js';
import { PRECISIONS, type Precision } from '../../src/models/graph/precision.js';
import { BackboneReader } from '../../src/models/graph/weights.js';
import { forwardOperations } from './support/operations.js';
import { asTensors, DINOV2_VITS14_REG, GASTRONET_VITS16, randomWeights } from '../support/random-checkpoints.js';

const INPUT_SIZE = 224;
const BATCHES = [1, 2, 4, 8, 16, 32, 64];
const PAIR = [
  { name: 'gastronet', spec: GASTRONET_VITS16 },
  { name: 'dinov2', spec: DINOV2_VITS14_REG },
];
const operationsPerPicture = (): number => PAIR.reduce((sum, { spec }) => sum + forwardOperations(spec, INPUT_SIZE), 0);

/** Pictures per second of the real-size pair by batch size. Arguments: `--device webgpu|cuda`, `--precision fp32,fp16`, `--peak-tflops T`, `--seconds S`, `--json`. */
export default async function bench(args: readonly string[]): Promise<void> {
  const value = (flag: string, fallback: string): string => (args.includes(flag) ? args[args.indexOf(flag) + 1]! : fallback);
  const device = value('--device', 'webgpu');
  const wanted = value('--precision', 'fp32,fp16').split(',');
  const peak = Number(value('--peak-tflops', 'NaN')) * 1e12;
  const seconds = Number(value('--seconds', '3'));
  const results: { precision: Precision; batch: number; picturesPerSecond: number; shareOfPeak: number | null }[] = [];
  for (const precision of PRECISIONS.filter((known) => wanted.includes(known))) {
    const { model } = await buildModelGraph({
      name: 'dual',
      inputSize: INPUT_SIZE,
      backbones: PAIR.map(({ name, spec }, index) => ({
        name,
        spec,
        positions: officialRecipe(spec),
        weights: () =>
          new BackboneReader(asTensors(randomWeights(spec, index + 1).filter((entry) => entry.name !== 'mask_token')), 'random'),
      })),
      head: null,
      precision,
      quality: false,
    });
    const session = await InferenceSession.create(encodeModel(model), { executionProviders: [device], logSeverityLevel: 3 });
    for (const batch of BATCHES) {
      const pixels = Uint8Array.from({ length: batch * INPUT_SIZE * INPUT_SIZE * 3 }, (_, index) => (index * 31) % 251);
      const run = async (): Promise<void> => {
        const { embedding } = await session.run({ pixels: new Tensor('uint8', pixels, [batch, INPUT_SIZE, INPUT_SIZE, 3]) }, ['embedding']);
        // Reading the result waits for the device.
        await embedding!.getData();
      };
      for (let warm = 0; warm < 3; warm++) await run();
      const startedMs = performance.now();
      let runs = 0;
      while (performance.now() - startedMs < seconds * 1000 || runs < 3) {
        await run();
        runs++;
      }
      const picturesPerSecond = (runs * batch) / ((performance.now() - startedMs) / 1000);
      const shareOfPeak = Number.isNaN(peak) ? null : (picturesPerSecond * operationsPerPicture()) / peak;
      results.push({ precision, batch, picturesPerSecond, shareOfPeak });
    }
    await session.release();
  }
  if (args.includes('--json')) {
    console.log(JSON.stringify({ device, operationsPerPicture: operationsPerPicture(), results }));
    return;
  }
  console.log(
    `ViT-S/14 reg4 + ViT-S/16 at ${INPUT_SIZE}×${INPUT_SIZE} on ${device}, ${(operationsPerPicture() / 1e9).toFixed(1)} Gop per picture`,
  );
  console.log('precision  batch  pictures/s  share of peak');
  for (const { precision, batch, picturesPerSecond, shareOfPeak } of results) {
    console.log(
      `${precision.padEnd(9)} ${String(batch).padStart(6)} ${picturesPerSecond.toFixed(1).padStart(11)}  ${shareOfPeak === null ? '–' : `${(100 * shareOfPeak).toFixed(1)} %`}`,
    );
  }
}
