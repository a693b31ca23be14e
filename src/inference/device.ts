import { availableParallelism } from 'node:os';
import { ModelError } from '../common/errors.js';

/** Where a model runs. `auto` takes the fastest that works on this machine. */
export type Device = 'auto' | 'cpu' | 'webgpu' | 'cuda' | 'coreml' | 'dml';

export const DEVICES: readonly Device[] = ['auto', 'cpu', 'webgpu', 'cuda', 'coreml', 'dml'];

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

/** @throws ModelError `device-unavailable` */
export function resolveDevice(options: DeviceOptions = {}): ResolvedDevice {
  const device = options.device ?? 'auto';
  if (device !== 'auto' && device !== 'cpu') {
    throw new ModelError('device-unavailable', `The device ${device} is not available.`, { remedy: 'Use --device cpu, or auto.' });
  }
  const reason = device === 'cpu' ? 'as asked' : 'works everywhere';
  return { name: 'cpu', reason, threads: options.threads ?? defaultThreads(), batchLimit: 1 };
}

/** One core stays free for capture, sockets and ffmpeg. */
function defaultThreads(): number {
  return Math.max(1, availableParallelism() - 1);
}
