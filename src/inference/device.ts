import { availableParallelism, platform } from 'node:os';
import { ModelError } from '../common/errors.js';
import { probeDevice, type ProbeReport, type ProbeRequest } from './probe.js';

/** Where a model runs. `auto` takes the fastest that works on this machine. */
export type Device = 'auto' | 'cpu' | 'webgpu' | 'cuda' | 'coreml' | 'dml';

export const DEVICES: readonly Device[] = ['auto', 'cpu', 'webgpu', 'cuda', 'coreml', 'dml'];

export type Accelerator = Exclude<Device, 'auto' | 'cpu'>;

export interface ResolvedDevice {
  /** Name of onnxruntime's execution provider. */
  readonly name: Exclude<Device, 'auto'>;
  /** Why this one, for people. */
  readonly reason: string;
  /** Threads of one operator on the CPU. */
  readonly threads: number;
  /**
   * Most pictures that go through the graph at once. One on a CPU: larger batches take longer per picture there.
   */
  readonly batchLimit: number;
}

export interface DeviceOptions {
  readonly device?: Device;
  readonly threads?: number;
}

/** Tries one device; replaced in tests. */
export type Probe = (request: ProbeRequest) => Promise<ProbeReport>;

const ACCELERATOR_BATCH = 16;
/** Less than this is not worth a driver that may fail in the middle of an examination. */
const WORTHWHILE_SPEEDUP = 1.3;

/** In the order in which they are tried. CUDA comes before WebGPU since it is the faster one where both work. */
function acceleratorsOf(system: NodeJS.Platform): readonly Accelerator[] {
  if (system === 'win32') return ['cuda', 'dml', 'webgpu'];
  if (system === 'darwin') return ['coreml', 'webgpu'];
  return ['cuda', 'webgpu'];
}

/**
 * Chooses the device. A named one must work; with `auto` each candidate is tried in a process of its own, and the CPU serves where none is
 * clearly faster. What was found is remembered as long as the program runs.
 *
 * @throws ModelError `device-unavailable` when the device that was asked for does not work here.
 */
export async function resolveDevice(options: DeviceOptions = {}, probe: Probe = rememberedProbe): Promise<ResolvedDevice> {
  const device = options.device ?? 'auto';
  const threads = options.threads ?? defaultThreads();
  if (device === 'cpu') return cpu('as asked', threads);
  if (device !== 'auto') return named(device, threads, probe);
  const tried: string[] = [];
  let best: { readonly name: Accelerator; readonly speedup: number } | null = null;
  for (const name of acceleratorsOf(platform())) {
    const report = await probe({ device: name, threads, compareSpeed: true });
    if (!report.works) tried.push(`${name}: ${report.why}`);
    else if ((report.speedup ?? 0) < WORTHWHILE_SPEEDUP) tried.push(`${name} works but is ${speedText(report.speedup ?? 0)}`);
    else if (best === null || (report.speedup ?? 0) > best.speedup) best = { name, speedup: report.speedup ?? 0 };
  }
  if (best === null) return cpu(`nothing faster works here (${tried.join('; ')})`, threads);
  return { name: best.name, reason: `${best.speedup.toFixed(1)}× as fast as the CPU in a trial`, threads, batchLimit: ACCELERATOR_BATCH };
}

async function named(device: Accelerator, threads: number, probe: Probe): Promise<ResolvedDevice> {
  const report = await probe({ device, threads, compareSpeed: false });
  if (report.works) return { name: device, reason: 'as asked', threads, batchLimit: ACCELERATOR_BATCH };
  throw new ModelError('device-unavailable', `The device ${device} does not work here: ${report.why}.`, {
    remedy: 'Use --device cpu, or auto to take what works.',
  });
}

function cpu(reason: string, threads: number): ResolvedDevice {
  return { name: 'cpu', reason, threads, batchLimit: 1 };
}

function speedText(speedup: number): string {
  return speedup < 0.1 ? 'far slower than the CPU (a simulation in software?)' : `only ${speedup.toFixed(1)}× as fast as the CPU`;
}

// The answer does not change while the program runs, and each trial takes a process.
const remembered = new Map<string, Promise<ProbeReport>>();

function rememberedProbe(request: ProbeRequest): Promise<ProbeReport> {
  const key = JSON.stringify(request);
  const known = remembered.get(key) ?? probeDevice(request);
  remembered.set(key, known);
  return known;
}

/** On 16 cores a real-size pair gains nothing from more than these (docs/performance.md), and threads that wait keep their core busy. */
const MOST_THREADS = 6;

/** One core stays free for capture, sockets and ffmpeg. */
function defaultThreads(): number {
  return Math.max(1, Math.min(availableParallelism() - 1, MOST_THREADS));
}
