/**
 * The whole pipeline at `pace: fast`, as a share of a bare loop over `InferenceSession.run` with the same model, batch and threads.
 *
 *   npm run bench -- throughput VIDEO GALLERY [ROUNDS]
 *
 * Alternates bare and pipeline; quotes the median of the ratios of neighbours.
 */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { lastValueFrom, tap } from 'rxjs';
import { openSource } from '../../src/capture/source.js';
import { workerUrl } from '../../src/common/worker-url.js';
import { resolveDevice } from '../../src/inference/device.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { openModel } from '../../src/models/registry.js';
import { trackLandmarks } from '../../src/pipeline.js';
import { openGallery, type Gallery } from '../../src/retrieval/gallery.js';
import { readManifest } from '../../src/retrieval/manifest.js';
import { median } from './support/distribution.js';

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

export default async function bench(args: readonly string[]): Promise<void> {
  const [video, galleryDir, roundsText = '5'] = args.filter((arg) => arg !== '--json');
  if (video === undefined || galleryDir === undefined) throw new Error('Name a video and a gallery.');
  const gallery = await openGallery(galleryDir, { model: await openModel((await readManifest(galleryDir)).model.name) });
  const { threads } = await resolveDevice({ device: 'cpu' });
  const rounds: { bare: number; pipeline: number }[] = [];
  let frames = 0;
  for (let round = 0; round < Number(roundsText); round++) {
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
  if (args.includes('--json')) console.log(JSON.stringify(report));
  else {
    console.log(
      `${report.model}, ${String(frames)} frames, ${String(threads)} inference thread(s) of ${String(availableParallelism())} cores`,
    );
    console.log(`bare loop ${report.bareFps.toFixed(1)} frames/s, pipeline ${report.pipelineFps.toFixed(1)} frames/s`);
    console.log(`pipeline / bare: median ${ratio.toFixed(3)} of ${report.ratios.map((value) => value.toFixed(3)).join(', ')}`);
  }
}
