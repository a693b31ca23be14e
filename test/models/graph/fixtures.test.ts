import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { importModel } from '../../../src/models/import/import-model.js';
import { decodeStill, squashStill } from '../../../src/media/stills.js';
import { describeWithShared, sharedPath } from '../../support/shared.js';
import { temporaryFolder } from '../../support/temporary.js';
import { cosineOf, relativeError, runGraph, type Outputs } from '../../support/run-graph.js';

const SIZE = 224;
const COUNT = 8;

describeWithShared('against PyTorch', () => {
  const home = temporaryFolder();
  const fixture = (...parts: string[]): string => sharedPath('fixtures', ...parts);
  const rows = z.array(z.array(z.number()));
  const json = (path: string): unknown => JSON.parse(readFileSync(path, 'utf8'));
  const pixels = (): Uint8Array => new Uint8Array(readFileSync(fixture('inputs/pixels-224-rgb.bin')));

  async function outputsOf(name: string, files: readonly string[], given: Uint8Array): Promise<Outputs> {
    const { folder } = await importModel({
      name,
      home,
      replace: true,
      backbones: files.map((path) => ({ path })),
      run: async (model, pictures) => ({
        device: 'cpu',
        embeddings: (await runGraph(model.graph, pictures.pixels, pictures.count, SIZE))['embedding']!,
      }),
    });
    return runGraph(`${folder}/model.onnx`, given, COUNT, SIZE);
  }

  async function fromPictures(): Promise<Uint8Array> {
    const packed = new Uint8Array(COUNT * SIZE * SIZE * 3);
    for (let index = 0; index < COUNT; index++) {
      const still = await decodeStill(fixture('inputs', `0${String(index)}.png`));
      packed.set(await squashStill(still, null, { width: SIZE, height: SIZE }), index * SIZE * SIZE * 3);
    }
    return packed;
  }

  const BACKBONES = [
    ['dinov2-reg4.pth', 'dinov2-reg4'],
    ['dinov2.safetensors', 'dinov2'],
    ['dino-patch16.pth', 'dino-patch16'],
    ['dino-patch16-training-checkpoint.pth', 'dino-patch16'],
    ['resnet-bottleneck.pth', 'resnet-bottleneck'],
  ] as const;

  it.each(BACKBONES)('%s gives the same features', async (file, key) => {
    const expected = z.record(z.string(), rows).parse(json(fixture('backbones/expected-cls.json')))[key]!;
    const outputs = await outputsOf(key, [fixture('backbones', file)], pixels());
    const [feature] = Object.keys(outputs).filter((name) => name.startsWith('feature:'));
    expect(relativeError(outputs[feature!]!, expected.flat())).toBeLessThanOrEqual(1e-5);
  });

  it.each(BACKBONES)('%s gives them from the picture files too', async (file, key) => {
    const expected = z.record(z.string(), rows).parse(json(fixture('backbones/expected-cls.json')))[key]!;
    const outputs = await outputsOf(key, [fixture('backbones', file)], await fromPictures());
    const [feature] = Object.keys(outputs).filter((name) => name.startsWith('feature:'));
    const width = expected[0]!.length;
    expected.forEach((row, index) => {
      expect(cosineOf(outputs[feature!]!.subarray(index * width, (index + 1) * width), row)).toBeGreaterThanOrEqual(0.9995);
    });
  });

  it('the whole dual model in the published layout gives the same embeddings', async () => {
    const expected = rows.parse(json(fixture('dual/expected-embedding.json')));
    const files = [fixture('dual/published-layout.pth')];
    const outputs = await outputsOf('dual', files, pixels());
    expect(relativeError(outputs['embedding']!, expected.flat())).toBeLessThanOrEqual(1e-4);
    const pictured = await outputsOf('dual', files, await fromPictures());
    expected.forEach((row, index) => {
      expect(cosineOf(pictured['embedding']!.subarray(index * 512, (index + 1) * 512), row)).toBeGreaterThanOrEqual(0.9995);
    });
  });
});
