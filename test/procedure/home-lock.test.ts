import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { isRunning, processIdentity } from '../../src/common/process-identity.js';
import { claimName } from '../../src/procedure/durable-files.js';
import { lockHome } from '../../src/procedure/home-lock.js';
import { temporaryFolder } from '../support/temporary.js';

const parent = temporaryFolder();
let homes = 0;
const children: ChildProcess[] = [];

function newHome(): string {
  const home = join(parent, String(homes++));
  mkdirSync(home);
  return home;
}

/** A process that holds the lock until it is killed. */
async function holder(home: string): Promise<ChildProcess> {
  const script = `
    import { lockHome } from ${JSON.stringify(new URL('../../dist/procedure/home-lock.js', import.meta.url).href)};
    await lockHome(${JSON.stringify(home)});
    console.log('locked');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  await once(child.stdout, 'data');
  return child;
}

async function kill(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}

function lockOf(pid: number, changes: Record<string, unknown> = {}): string {
  return JSON.stringify({ pid, identity: null, host: hostname(), since: '2026-01-01T00:00:00.000Z', token: 'x', ...changes });
}

afterEach(async () => {
  for (const child of children.splice(0)) if (child.exitCode === null && child.signalCode === null) await kill(child);
});

describe('the lock of a home', () => {
  it('refuses the second process with the first one’s id, and takes over when that was killed', async () => {
    const home = newHome();
    const first = await holder(home);
    await expect(lockHome(home)).rejects.toMatchObject({ code: 'home-in-use' });
    await expect(lockHome(home)).rejects.toThrow(`process ${first.pid}`);
    await kill(first);
    const lock = await lockHome(home);
    expect(JSON.parse(readFileSync(join(home, 'home.lock'), 'utf8'))).toMatchObject({ pid: process.pid });
    await lock.release();
    await lock.release();
    expect(existsSync(join(home, 'home.lock'))).toBe(false);
  });

  it('is taken by one of many who want it at once, also when it is stale', async () => {
    for (const stale of [false, true]) {
      const home = newHome();
      if (stale) writeFileSync(join(home, 'home.lock'), lockOf(2 ** 22 + 1));
      const settled = await Promise.allSettled(Array.from({ length: 8 }, () => lockHome(home)));
      expect(settled.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    }
  });

  it('is stale when its process id belongs to another process by now', async () => {
    const identity = await processIdentity(process.pid);
    if (identity === null) return;
    const home = newHome();
    writeFileSync(join(home, 'home.lock'), lockOf(process.ppid, { identity: 'another boot 1' }));
    await (await lockHome(home)).release();
    writeFileSync(join(home, 'home.lock'), lockOf(process.ppid, { identity: await processIdentity(process.ppid) }));
    await expect(lockHome(home)).rejects.toMatchObject({ code: 'home-in-use' });
  });

  it('of another machine holds, since nobody here can tell', async () => {
    const home = newHome();
    writeFileSync(join(home, 'home.lock'), lockOf(2 ** 22 + 1, { host: 'elsewhere' }));
    await expect(lockHome(home)).rejects.toThrow('on elsewhere');
  });

  it('that is no lock at all is replaced', async () => {
    const home = newHome();
    const file = join(home, 'home.lock');
    writeFileSync(file, '');
    utimesSync(file, 0, 0);
    await (await lockHome(home)).release();
  });

  it('is not possible where nothing can be written', async () => {
    const home = newHome();
    writeFileSync(join(home, 'file'), '');
    await expect(lockHome(join(home, 'file'))).rejects.toMatchObject({ code: 'home-unusable' });
  });
});

describe('claiming a name', () => {
  it('also works where nothing can be linked', async ({ skip }) => {
    // Between two file systems there are no links.
    const elsewhere = '/dev/shm';
    if (!existsSync(elsewhere) || statSync(elsewhere).dev === statSync(parent).dev) skip('there is one file system only');
    const name = join(mkdtempSync(join(elsewhere, 'lumenmark-')), 'name');
    try {
      const file = join(newHome(), 'file');
      writeFileSync(file, 'own');
      expect([await claimName(file, name), await claimName(file, name)]).toEqual([true, false]);
      expect(readFileSync(name, 'utf8')).toBe('own');
    } finally {
      rmSync(dirname(name), { recursive: true });
    }
  });
});

describe('processes', () => {
  it('are known by id and start', async () => {
    expect(isRunning(process.pid)).toBe(true);
    expect(isRunning(2 ** 22 + 1)).toBe(false);
    expect(await processIdentity(process.pid)).toBe(await processIdentity(process.pid));
    expect(await processIdentity(2 ** 22 + 1)).toBeNull();
  });
});
