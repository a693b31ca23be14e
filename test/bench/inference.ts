/**
 * What saturated inference costs the main thread and the memory: event-loop delay and resident memory while one embedder is kept busy.
 *
 *   npm run bench -- inference [FRAMES] [--json]
 */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';
import { median } from './support/distribution.js';

const IN_FLIGHT = 2;
const NS_PER_MS = 1e6;

export default async function bench(args: readonly string[]): Promise<void> {
  const frames = Number(args.find((argument) => !argument.startsWith('--')) ?? 3000);
  const { base: model } = descriptors();
  const { width, height } = model.input;
  const embedder = await createEmbedder(model, { device: 'cpu' });
  const inferenceMs: number[] = [];
  const memoryMb: number[] = [];
  let left = frames;
  const keepBusy = async (): Promise<void> => {
    while (left-- > 0) {
      const pixels = new Uint8Array(width * height * 3).fill(60 + (left % 150));
      inferenceMs.push((await embedder.embed({ count: 1, width, height, pixels })).inferenceMs);
      if (inferenceMs.length % Math.ceil(frames / 20) === 0) memoryMb.push(process.memoryUsage.rss() / 2 ** 20);
    }
  };
  const delay = monitorEventLoopDelay({ resolution: 1 });
  delay.enable();
  const startedMs = performance.now();
  await Promise.all(Array.from({ length: IN_FLIGHT }, keepBusy));
  const fps = (frames * 1000) / (performance.now() - startedMs);
  delay.disable();
  await embedder.dispose();
  const quarter = Math.ceil(memoryMb.length / 4);
  const growth = median(memoryMb.slice(-quarter)) / median(memoryMb.slice(quarter, 2 * quarter)) - 1;
  const result = {
    frames,
    fps,
    inferenceMsMedian: median(inferenceMs),
    eventLoopDelayMs: { p50: delay.percentile(50) / NS_PER_MS, p99: delay.percentile(99) / NS_PER_MS, max: delay.max / NS_PER_MS },
    memoryMb: memoryMb.at(-1) ?? 0,
    memoryGrowth: growth,
  };
  if (args.includes('--json')) {
    console.log(JSON.stringify(result));
    return;
  }
  console.log(`${String(frames)} frames, ${fps.toFixed(0)}/s, median run ${result.inferenceMsMedian.toFixed(2)} ms`);
  const { p50, p99, max } = result.eventLoopDelayMs;
  console.log(`event-loop delay of the main thread: p50 ${p50.toFixed(2)} ms, p99 ${p99.toFixed(2)} ms, max ${max.toFixed(1)} ms`);
  console.log(`resident memory ${result.memoryMb.toFixed(0)} MiB, last quarter against second: ${(100 * growth).toFixed(1)} %`);
}
