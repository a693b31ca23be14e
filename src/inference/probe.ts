import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { workerUrl } from '../common/worker-url.js';

export interface ProbeRequest {
  readonly device: 'cpu' | 'webgpu' | 'cuda' | 'coreml' | 'dml';
  readonly threads: number;
  /** Also times it against the CPU. */
  readonly compareSpeed: boolean;
}

export type ProbeReport =
  | { readonly works: false; readonly why: string }
  /** `speedup` over the CPU; null when it was not asked for, 0 when it is hopeless. */
  | { readonly works: true; readonly speedup: number | null };

// A first start compiles shaders, on a simulated device for half a minute.
const TIMEOUT_MS = 60_000;

/** Tries an execution provider in a process of its own. Never rejects: whatever goes wrong is the answer. */
export async function probeDevice(request: ProbeRequest): Promise<ProbeReport> {
  return new Promise((resolve) => {
    // Drivers write to the standard streams as they please; nobody reads that.
    const child = fork(fileURLToPath(workerUrl(import.meta.url, './probe-child.js')), [], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    const answer = (report: ProbeReport): void => {
      clearTimeout(timer);
      resolve(report);
    };
    const timer = setTimeout(() => {
      child.kill('SIGKILL');
      answer({ works: false, why: `it did not answer within ${TIMEOUT_MS / 1000} s` });
    }, TIMEOUT_MS);
    child.once('message', (report) => {
      answer(report as ProbeReport);
    });
    child.once('error', (error) => {
      answer({ works: false, why: error.message });
    });
    child.once('exit', (code, signal) => {
      answer({ works: false, why: `its driver crashed (${signal ?? `exit code ${String(code)}`})` });
    });
    child.send(request, (error) => {
      if (error !== null) answer({ works: false, why: error.message });
    });
  });
}
