import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** `lumenmark live` in a process of its own. */
export interface Live {
  readonly pid: number;
  /** Where it keeps its procedures. */
  readonly home: string;
  /** Address of the page, with a slash at its end. */
  readonly url: string;
  /** As Ctrl-C does; resolves with the exit code. */
  stop(): Promise<number | null>;
  /** As a crash does. */
  kill(): Promise<void>;
}

/** Starts `lumenmark live` as a user does, on a free port, and waits until it serves. */
export async function startLive(args: readonly string[], ownHome?: string): Promise<Live> {
  const home = ownHome ?? mkdtempSync(join(tmpdir(), 'lumenmark-home-'));
  const command = [MAIN, 'live', '--port', '0', '--device', 'cpu', ...args];
  const env = { ...process.env, LUMENMARK_HOME: home };
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'], env });
  const lines = createInterface(child.stdout);
  const url = await new Promise<string>((resolve, reject) => {
    lines.on('line', (line) => {
      const address = /^overlay\s+(http\S+)/.exec(line)?.[1];
      if (address !== undefined) resolve(address);
    });
    child.once('exit', (code) => {
      reject(new Error(`lumenmark live ended with code ${String(code)} before it served`));
    });
  });
  return {
    pid: child.pid ?? 0,
    home,
    url,
    kill: async () => {
      child.kill('SIGKILL');
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    },
    stop: async () => {
      if (child.exitCode !== null) return child.exitCode;
      child.kill('SIGINT');
      const [code] = (await once(child, 'exit')) as [number | null];
      if (ownHome === undefined) rmSync(home, { recursive: true, force: true });
      return code;
    },
  };
}
