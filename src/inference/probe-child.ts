/*
 * The process in which an execution provider is tried. Drivers crash and hang; here they take nobody with them.
 */
import { messageOf } from '../common/errors.js';
import type { ProbeReport, ProbeRequest } from './probe.js';
import { probeModel, probePixels } from './probe-model.js';
import { knownProviders, openSession } from './session.js';

// A device that needs longer than this for one tiny picture, warmed up, is a simulation in software.
const SLOWEST_SMALL_MS = 25;
const RUNS = 5;

interface Timed {
  readonly embedding: Float32Array;
  readonly runMs: number;
}

async function time(device: ProbeRequest['device'], size: 'small' | 'real', threads: number): Promise<Timed> {
  const { graph, side } = await probeModel(size);
  const session = await openSession({
    graph,
    input: { width: side, height: side },
    device: { name: device, reason: '', threads, batchLimit: 1 },
    outputs: ['embedding'],
  });
  try {
    const pixels = probePixels(side);
    const { embedding = new Float32Array() } = await session.run(pixels.slice(), 1);
    const times: number[] = [];
    for (let run = 0; run < RUNS; run++) {
      const startedMs = performance.now();
      await session.run(pixels.slice(), 1);
      times.push(performance.now() - startedMs);
    }
    return { embedding, runMs: times.sort((a, b) => a - b)[Math.floor(RUNS / 2)] ?? Infinity };
  } finally {
    await session.release();
  }
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, squareA, squareB] = [0, 0, 0];
  for (let index = 0; index < a.length; index++) {
    dot += (a[index] ?? 0) * (b[index] ?? 0);
    squareA += (a[index] ?? 0) ** 2;
    squareB += (b[index] ?? 0) ** 2;
  }
  return dot / Math.sqrt(squareA * squareB);
}

async function probe({ device, threads, compareSpeed }: ProbeRequest): Promise<ProbeReport> {
  if (!knownProviders().includes(device)) return { works: false, why: `onnxruntime has no such device on ${process.platform}` };
  const expected = await time('cpu', 'small', threads);
  const found = await time(device, 'small', threads);
  const agreement = cosine(expected.embedding, found.embedding);
  if (!(agreement > 0.999)) return { works: false, why: `it computes something else than the CPU (cosine ${agreement.toFixed(4)})` };
  if (!compareSpeed) return { works: true, speedup: null };
  if (found.runMs > SLOWEST_SMALL_MS) return { works: true, speedup: 0 };
  const [cpu, other] = [await time('cpu', 'real', threads), await time(device, 'real', threads)];
  return { works: true, speedup: cpu.runMs / other.runMs };
}

process.on('message', (request: ProbeRequest) => {
  void probe(request)
    .catch((error: unknown): ProbeReport => ({ works: false, why: firstLine(messageOf(error)) }))
    .then((report) => {
      process.send?.(report, () => process.exit(0));
    });
});

/** onnxruntime puts source paths and conditions of its code before what matters. */
function firstLine(text: string): string {
  const [line = ''] = text.split('\n');
  const plain = line
    .replace(/^onnxruntime cannot load the model: /, '')
    .replace(/^.* was false\. /, '')
    .replace(/\.$/, '');
  return plain.length > 160 ? `…${plain.slice(-160)}` : plain;
}
