/**
 * The whole pipeline at `pace: fast`, as a share of a bare loop over `InferenceSession.run` with the same model, batch and threads.
 *
 *   npm run bench -- throughput [VIDEO] [--seconds N] [--gallery GALLERY | --vit | --pair] [--rounds N]
 *
 * `--vit` and `--pair` are a ViT-S/16, and the two backbones of the method, at real size with random weights, for machines without an imported
 * model. Default: the demo, its gallery, 5 rounds. Alternates bare and pipeline; quotes the median of the ratios of neighbours.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Worker } from 'node:worker_threads';
import { lastValueFrom, tap } from 'rxjs';
import { openSource } from '../../src/capture/source.js';
import { workerUrl } from '../../src/common/worker-url.js';
import { resolveDevice } from '../../src/inference/device.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { trackLandmarks } from '../../src/pipeline.js';
import { openGallery, type Gallery } from '../../src/retrieval/gallery.js';
import { median } from './support/distribution.js';
import { randomGallery } from './support/random-model.js';

/** Frames per second of `run` alone, in a thread where nothing else happens. */
function bareFps(gallery: Gallery, frames: number, threads: number): Promise<number> {
  const session = workerUrl(new URL('../../src/inference/worker-embedder.ts', import.meta.url).href, './session.js').href;
  const script = `
    const { parentPort, workerData } = require('node:worker_threads');
    import(workerData.session).then(async ({ openSession }) => {
      const session = await openSession(workerData.setup);
      const { width, height } = workerData.setup.input;
      const pixels = new Uint8Array(width * height * 3).map((_, i) => 60 + ((i * 7919) % 150));
      for (let i = 0; i < 10; i++) await session.run(pixels, 1);
      const startedMs = performance.now();
      for (let i = 0; i < workerData.frames; i++) await session.run(pixels, 1);
      const elapsedMs = performance.now() - startedMs;
      await session.release();
      parentPort.postMessage((workerData.frames * 1000) / elapsedMs);
    });`;
  const { graph, input } = gallery.model;
  const device = { name: 'cpu', reason: 'benchmark', threads, batchLimit: 1 };
  const setup = { graph, input, device, outputs: ['embedding', 'quality'] };
  const worker = new Worker(script, { eval: true, workerData: { session, setup, frames } });
  return new Promise((resolve, reject) => {
    worker.once('message', (fps: number) => {
      void worker.terminate().then(() => {
        resolve(fps);
      });
    });
    worker.once('error', reject);
  });
}

async function pipelineFps(gallery: Gallery, video: string, threads: number): Promise<{ fps: number; frames: number }> {
  const embedder = await createEmbedder(gallery.model, { device: 'cpu', threads });
  const source = await openSource({
    id: 'bench',
    source: video,
    analysis: { ...gallery.model.input, fps: null },
    preview: null,
    pace: 'fast',
  });
  let frames = 0;
  let firstMs = 0;
  let lastMs = 0;
  await lastValueFrom(
    trackLandmarks({ source, embedder, gallery }).pipe(
      tap((event) => {
        if (event.type !== 'tracked' || event.detection === null) return;
        lastMs = performance.now();
        if (frames === 0) firstMs = lastMs;
        frames += 1;
      }),
    ),
  );
  await source.dispose();
  await embedder.dispose();
  return { fps: ((frames - 1) * 1000) / (lastMs - firstMs), frames };
}

const DEMO = fileURLToPath(new URL('../../models/demo/', import.meta.url));

export default async function bench(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      gallery: { type: 'string', default: join(DEMO, 'gallery') },
      vit: { type: 'boolean', default: false },
      pair: { type: 'boolean', default: false },
      seconds: { type: 'string' },
      rounds: { type: 'string', default: '5' },
      json: { type: 'boolean', default: false },
    },
  });
  const folder = mkdtempSync(join(tmpdir(), 'lumenmark-bench-'));
  try {
    const [source = join(DEMO, 'procedure.mp4')] = positionals;
    const video = values.seconds === undefined ? source : await beginningOf(source, values.seconds, folder);
    const gallery =
      values.vit || values.pair ? await randomGallery(folder, values.pair ? 'pair' : 'vit') : await openGallery(values.gallery);
    await compare(video, gallery, Number(values.rounds), values.json);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function beginningOf(source: string, seconds: string, folder: string): Promise<string> {
  const { path } = await findFfmpeg();
  const video = join(folder, `beginning${extname(source)}`);
  execFileSync(path, ['-v', 'error', '-i', source, '-t', seconds, '-c', 'copy', '-an', video]);
  return video;
}

async function compare(video: string, gallery: Gallery, roundCount: number, json: boolean): Promise<void> {
  const { threads } = await resolveDevice({ device: 'cpu' });
  const rounds: { bare: number; pipeline: number }[] = [];
  let frames = 0;
  for (let round = 0; round < roundCount; round++) {
    const { fps: pipeline, frames: counted } = await pipelineFps(gallery, video, threads);
    frames = counted;
    rounds.push({ bare: await bareFps(gallery, counted, threads), pipeline });
  }
  const ratio = median(rounds.map(({ bare, pipeline }) => pipeline / bare));
  const report = {
    model: gallery.model.name,
    frames,
    rounds: rounds.length,
    bareFps: median(rounds.map(({ bare }) => bare)),
    pipelineFps: median(rounds.map(({ pipeline }) => pipeline)),
    ratio,
    ratios: rounds.map(({ bare, pipeline }) => pipeline / bare),
  };
  if (json) console.log(JSON.stringify(report));
  else {
    console.log(
      `${report.model}, ${String(frames)} frames, ${String(threads)} inference thread(s) of ${String(availableParallelism())} cores`,
    );
    console.log(`bare loop ${report.bareFps.toFixed(1)} frames/s, pipeline ${report.pipelineFps.toFixed(1)} frames/s`);
    console.log(`pipeline / bare: median ${ratio.toFixed(3)} of ${report.ratios.map((value) => value.toFixed(3)).join(', ')}`);
  }
}
