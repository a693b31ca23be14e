/**
 * What embedding a folder of stills costs beside bare inference of as many pictures, and what a second run costs.
 *
 *   npm run bench -- embedding-folder DIR [--model NAME | --vit] [--pictures N] [--rounds R] [--json]
 *
 * DIR holds a folder per label. `--vit` is a ViT-S/16 of real size with random weights, for machines without an imported model. Bare inference runs the same pictures, decoded and squashed beforehand, through the same worker with two of
 * them waiting. Bare inference and folder alternate, so that a busy machine slows both; the best round of each counts.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { lumenmarkHome } from '../../src/common/home.js';
import { mapInOrder } from '../../src/common/map-in-order.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { openModel } from '../../src/models/registry.js';
import { embeddingCache } from '../../src/retrieval/embedding-cache.js';
import { embedStills, type EmbedStillsOptions } from '../../src/retrieval/embed-stills.js';
import { listLabelledPictures } from '../../src/retrieval/labelled-pictures.js';
import { prepareStill } from '../../src/retrieval/prepared-stills.js';
import { randomModel } from './support/random-model.js';

export default async function bench(args: readonly string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      model: { type: 'string', default: 'descriptors' },
      vit: { type: 'boolean', default: false },
      pictures: { type: 'string', default: '200' },
      rounds: { type: 'string', default: '3' },
      json: { type: 'boolean', default: false },
    },
  });
  const [directory] = positionals;
  if (directory === undefined)
    throw new TypeError('Usage: npm run bench -- embedding-folder DIR [--model NAME] [--pictures N] [--rounds R]');
  const opened = values.vit ? await randomModel('vit') : await openModel(values.model, { home: lumenmarkHome() });
  const model = 'base' in opened ? opened.base : opened;
  const paths = (await listLabelledPictures(directory)).pictures.slice(0, Number(values.pictures)).map(({ path }) => path);
  const home = await mkdtemp(join(tmpdir(), 'lumenmark-bench-'));
  const embedder = await createEmbedder(model);
  const options: EmbedStillsOptions = { directory, fieldOfView: 'auto' };
  try {
    const pixels: Uint8Array[] = [];
    const prepared = mapInOrder(paths, 2, (path) =>
      prepareStill(directory, path, { size: model.input, fieldOfView: 'auto', thumbnail: false }),
    );
    for await (const still of prepared) if (!('reason' in still)) pixels.push(still.pixels);

    const bareMs: number[] = [];
    const folderMs: number[] = [];
    const cold = embeddingCache({ home });
    for (let round = 0; round < Number(values.rounds); round++) {
      bareMs.push(await timed(mapInOrder(pixels, 2, (picture) => embedder.embed({ count: 1, ...model.input, pixels: picture.slice() }))));
      folderMs.push(await timed(embedStills(embedder, paths, options)));
    }
    const firstMs = await timed(embedStills(embedder, paths, { ...options, cache: cold }));
    const secondMs = await timed(embedStills(embedder, paths, { ...options, cache: cold }));
    const [bare, folder] = [Math.min(...bareMs), Math.min(...folderMs)];
    const report = { model: model.name, pictures: pixels.length, bareMs: bare, folderMs: folder, ratio: folder / bare, firstMs, secondMs };
    if (values.json) console.log(JSON.stringify(report));
    else {
      const per = (ms: number): string => `${ms.toFixed(0)} ms, ${(ms / pixels.length).toFixed(2)} ms a picture`;
      console.log(`${model.name} on ${embedder.device.name}, ${String(pixels.length)} pictures`);
      console.log(`  bare inference             ${per(bare)}`);
      console.log(`  folder (decoding overlaps) ${per(folder)}: ${report.ratio.toFixed(2)} ×`);
      console.log(`  folder, filling the cache  ${per(firstMs)}`);
      console.log(`  folder, from the cache     ${per(secondMs)}`);
    }
  } finally {
    await embedder.dispose();
    await rm(home, { recursive: true, force: true });
  }
}

async function timed(work: AsyncIterable<unknown>): Promise<number> {
  const began = performance.now();
  let seen = 0;
  for await (const one of work) seen += one === undefined ? 0 : 1;
  if (seen === 0) throw new Error('There was nothing to embed.');
  return performance.now() - began;
}
