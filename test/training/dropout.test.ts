import { expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { Dropout, dropoutNumbers } from '../../src/training/graph/dropout.js';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { encodeModel } from '../../src/onnx/encode.js';

const [ROWS, WIDTH, SHARE] = [400, 256, 0.05];

async function masks(seed: number, share = SHARE): Promise<Float32Array[]> {
  const graph = new GraphBuilder();
  const dropout = new Dropout(share, graph.input('rows', 'int32', [ROWS, 1]), graph.input('columns', 'int32', [1, 2 * WIDTH]));
  for (const name of ['first', 'second'])
    graph.output(
      name,
      dropout.drop(graph.constant(null, 'float32', [ROWS, WIDTH], new Float32Array(ROWS * WIDTH).fill(1)), (rows) => rows),
    );
  const session = await InferenceSession.create(encodeModel(graph.model()), { logSeverityLevel: 3, intraOpNumThreads: 1 });
  const outputs = await session.run({
    rows: new Tensor('int32', dropoutNumbers(ROWS, seed), [ROWS, 1]),
    columns: new Tensor('int32', dropoutNumbers(2 * WIDTH, seed + 1), [1, 2 * WIDTH]),
  });
  await session.release();
  return ['first', 'second'].map((name) => outputs[name]!.data as Float32Array);
}

it('drops its share, evenly over rows and columns and without relation between them', async () => {
  const [first, second] = (await masks(3)) as [Float32Array, Float32Array];
  const dropped = (mask: Float32Array): number => mask.reduce((sum, kept) => sum + 1 - kept, 0) / mask.length;
  // Standard error of a share of 0.05 in 102,400: 0.0007.
  for (const mask of [first, second]) expect(Math.abs(dropped(mask) - SHARE)).toBeLessThan(0.003);
  for (let row = 0; row < ROWS; row++) expect(dropped(first.subarray(row * WIDTH, (row + 1) * WIDTH))).toBeLessThan(0.15);
  // Elements dropped in two layers at once, in two neighbouring rows, and in two neighbouring columns: as many as chance gives, 0.0025.
  const both = (a: (index: number) => number, b: (index: number) => number): number =>
    first.reduce((sum, _, index) => sum + (1 - a(index)) * (1 - b(index)), 0) / first.length;
  const at =
    (mask: Float32Array, shift: number) =>
    (index: number): number =>
      mask[(index + shift) % mask.length]!;
  for (const pair of [at(second, 0), at(first, WIDTH), at(first, 1), at(first, 7 * WIDTH + 3)]) {
    expect(both(at(first, 0), pair)).toBeGreaterThan(0.0015);
    expect(both(at(first, 0), pair)).toBeLessThan(0.0035);
  }
});

it('drops the corners of rectangles without relation, though each is a product of a row and a column', async () => {
  const share = 0.3;
  const [mask] = (await masks(5, share)) as [Float32Array];
  const random = seededRandom(9);
  const counts = [0, 0, 0, 0, 0];
  const rectangles = 100_000;
  for (let index = 0; index < rectangles; index++) {
    const rows = [random() * (ROWS - 1), random() * (ROWS - 1)].map(Math.floor);
    const columns = [random() * (WIDTH - 1), random() * (WIDTH - 1)].map(Math.floor);
    if (rows[0] === rows[1]) rows[1] = ROWS - 1;
    if (columns[0] === columns[1]) columns[1] = WIDTH - 1;
    counts[rows.flatMap((row) => columns.map((column) => 1 - mask[row * WIDTH + column]!)).reduce((sum, dropped) => sum + dropped)]!++;
  }
  // Binomial of four; rectangles share elements, so that the bound is wider than the standard error of 0.0016 at most.
  [1, 4, 6, 4, 1].forEach((ways, dropped) => {
    expect(Math.abs(counts[dropped]! / rectangles - ways * share ** dropped * (1 - share) ** (4 - dropped))).toBeLessThan(0.01);
  });
});

it('is the same for the same seed and another for another', async () => {
  const [a, b, c] = [await masks(3), await masks(3), await masks(4)];
  expect(a[0]).toEqual(b[0]);
  expect(a[0]).not.toEqual(c[0]);
});
