/**
 * Memory over time: `lumenmark live` in a process of its own, a looped live source, one client that takes everything.
 *
 *   npm run bench -- soak VIDEO GALLERY [MINUTES] [PORT]
 *
 * Prints the resident memory of the process every ten seconds and compares the means around minute 2 and the last minute.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { WebSocket } from 'ws';

const SAMPLE_MS = 10_000;

/** Resident set of a process, MiB. Linux only. */
async function residentMib(pid: number): Promise<number> {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024;
}

export default async function bench(args: readonly string[]): Promise<void> {
  const [video, gallery, minutesText = '10', port = '8799'] = args.filter((arg) => arg !== '--json');
  if (video === undefined || gallery === undefined) throw new Error('Name a video and a gallery.');
  const main = join(fileURLToPath(new URL('../..', import.meta.url)), 'dist/cli/main.js');
  const command = [main, 'live', '--source', video, '--gallery', gallery, '--loop', '--port', port, '--device', 'cpu'];
  const child = spawn(process.execPath, command, { stdio: ['ignore', 'pipe', 'inherit'] });
  for await (const line of createInterface(child.stdout)) if (line.startsWith('overlay')) break;
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, 'lumenmark.v1', { perMessageDeflate: false });
  let messages = 0;
  socket.on('message', () => {
    messages += 1;
  });
  const samples: { minute: number; mib: number }[] = [];
  const startedMs = performance.now();
  const endMs = startedMs + Number(minutesText) * 60_000;
  while (performance.now() < endMs && child.exitCode === null) {
    await sleep(SAMPLE_MS);
    const sample = { minute: (performance.now() - startedMs) / 60_000, mib: await residentMib(child.pid ?? 0) };
    samples.push(sample);
    if (!args.includes('--json')) console.log(`${sample.minute.toFixed(2)} min  ${sample.mib.toFixed(0)} MiB`);
  }
  socket.terminate();
  child.kill('SIGINT');
  const [code] = (await once(child, 'exit')) as [number | null];
  const mean = (from: number, to: number): number => {
    const within = samples.filter(({ minute }) => minute >= from && minute <= to).map(({ mib }) => mib);
    return within.reduce((sum, mib) => sum + mib, 0) / within.length;
  };
  const last = Number(minutesText);
  const report = { minutes: last, messages, atMinute2Mib: mean(1.75, 2.75), atEndMib: mean(last - 1, last + 1), exitCode: code };
  const growth = report.atEndMib / report.atMinute2Mib - 1;
  if (args.includes('--json')) console.log(JSON.stringify({ ...report, growth }));
  else {
    console.log(
      `minute 2: ${report.atMinute2Mib.toFixed(0)} MiB, last minute: ${report.atEndMib.toFixed(0)} MiB, growth ${(100 * growth).toFixed(1)} %`,
    );
    console.log(`${String(messages)} messages to the client; ended with code ${String(code)}`);
  }
}
