import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { FfmpegProcess } from '../../src/media/process.js';
import { allFfmpegs } from '../support/ffmpegs.js';

const ENDLESS = ['-v', 'error', '-f', 'lavfi', '-i', 'testsrc=s=320x240:r=25', '-f', 'rawvideo', 'pipe:1'];

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    // A zombie still takes signals.
    return process.platform !== 'linux' || !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

async function gone(pid: number): Promise<boolean> {
  for (let tries = 0; tries < 200 && isAlive(pid); tries += 1) await sleep(50);
  return !isAlive(pid);
}

describe.each(await allFfmpegs())('FfmpegProcess with the %s ffmpeg', (_, ffmpeg) => {
  it('ends a process that is blocked on a full pipe, and reaps it', async () => {
    const running = new FfmpegProcess(ffmpeg, ENDLESS);
    await once(running.stdout, 'readable');
    await Promise.all([running.end(), running.end()]);
    expect(isAlive(running.pid!)).toBe(false);
  });

  it('keeps its last output for a reader who was busy when it exited', async () => {
    const running = new FfmpegProcess(ffmpeg, [
      ...ENDLESS.slice(0, 4),
      '-i',
      'testsrc=s=64x64:r=25',
      '-frames:v',
      '3',
      ...ENDLESS.slice(6),
    ]);
    const { stdout, pid } = running;
    await once(stdout, 'readable');
    expect(await gone(pid!)).toBe(true);
    await sleep(50);
    let bytes = 0;
    for await (const chunk of stdout) bytes += (chunk as Buffer).length;
    expect(bytes).toBe(3 * 64 * 64 * 3);
    expect(await running.exited).toEqual({ code: 0, signal: null });
  });

  it('ends when aborted, also before it has begun', async () => {
    const running = new FfmpegProcess(ffmpeg, ENDLESS, { signal: AbortSignal.abort() });
    await running.exited;
    expect(isAlive(running.pid!)).toBe(false);
  });

  it('keeps the last lines of stderr', async () => {
    const lines: string[] = [];
    const running = new FfmpegProcess(ffmpeg, ['-hide_banner', '-i', '/nonexistent.mp4'], {
      keptLines: 2,
      onLine: (line) => lines.push(line),
    });
    expect((await running.exited).code).toBe(1);
    expect(running.lines.join('\n')).toContain('No such file or directory');
    expect(running.lines.length).toBeLessThanOrEqual(2);
    expect(lines.length).toBeGreaterThan(0);
  });

  it.skipIf(process.platform === 'win32')('does not outlive a parent that was killed', async () => {
    const script = `
      const { spawn } = require('node:child_process');
      const child = spawn(${JSON.stringify(ffmpeg.path)}, ${JSON.stringify(ENDLESS)}, { stdio: ['pipe', 'pipe', 'pipe'], detached: true });
      child.stdout.once('data', () => console.log(child.pid));`;
    const parent = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'ignore'] });
    const [said] = (await once(parent.stdout, 'data')) as [Buffer];
    const pid = Number(said.toString());
    expect(isAlive(pid)).toBe(true);
    parent.kill('SIGKILL');
    expect(await gone(pid)).toBe(true);
  });
});

describe('FfmpegProcess', () => {
  it('explains a binary that cannot be started', async () => {
    const running = new FfmpegProcess({ path: '/nonexistent/ffmpeg' }, []);
    await running.exited;
    expect(running.startFailure).toMatchObject({ code: 'ffmpeg-unusable' });
    await running.end();
  });
});
