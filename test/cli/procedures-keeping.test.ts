import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Command } from 'commander';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { register } from '../../src/cli/procedures.js';
import { UsageError } from '../../src/common/errors.js';
import { lockHome } from '../../src/procedure/home-lock.js';
import { installationKey } from '../../src/procedure/key.js';
import { closedTestProcedure, writeTestProcedure } from '../support/procedures.js';
import { temporaryFolder } from '../support/temporary.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const home = join(temporaryFolder(), 'home');
let id: string;
let folder: string;

interface Said {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs a command in this process: a process of its own takes a second to load what it does not need. */
async function procedures(...args: string[]): Promise<Said> {
  const [out, err]: [string[], string[]] = [[], []];
  const spies = [
    vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line)),
    vi.spyOn(console, 'error').mockImplementation((line: string) => void err.push(line)),
  ];
  vi.stubEnv('LUMENMARK_HOME', home);
  const program = new Command().exitOverride();
  register(program);
  try {
    await program.parseAsync(['procedures', ...args], { from: 'user' });
    return { code: Number(process.exitCode ?? 0), out: out.join('\n'), err: err.join('\n') };
  } catch (error) {
    return { code: error instanceof UsageError ? 2 : 1, out: out.join('\n'), err: String(error) };
  } finally {
    process.exitCode = undefined;
    vi.unstubAllEnvs();
    for (const spy of spies) spy.mockRestore();
  }
}

beforeAll(async () => {
  ({ id, folder } = await closedTestProcedure(home, { key: await installationKey(home) }));
});

describe('lumenmark procedures', () => {
  it('verifies, marks, exports, refuses to delete, releases and deletes', async () => {
    const intact = await procedures('verify', id);
    expect(intact).toMatchObject({ code: 0, err: '' });
    expect(intact.out).toContain(`intact  ${id}`);
    expect(intact.out).toContain('the key of this installation');
    const before = /head hash ([0-9a-f]{64})/.exec(intact.out)?.[1];

    const held = JSON.parse((await procedures('hold', 'latest', '--reason', 'complaint', '--json')).out) as { headHash: string };
    const kept = await procedures('verify', id, '--head', before!.slice(0, 16));
    expect(kept.out).toContain('is in it, and 1 amendment after it');

    const archive = join(home, 'out.zip');
    const key = join(home, 'key.pem');
    expect((await procedures('export', id, '--out', archive)).code).toBe(0);
    expect((await procedures('key', '--out', key)).code).toBe(0);
    const elsewhere = await procedures('verify', archive, '--key', key, '--head', held.headHash);
    expect(elsewhere).toMatchObject({ code: 0 });
    expect(elsewhere.out).toContain('the expected key');

    const refused = await procedures('delete', id, '--reason', 'old');
    expect(refused).toMatchObject({ code: 1 });
    expect(refused.err).toContain('marked for audit');
    expect((await procedures('prune', '--keep-gb', '0.000001')).out).toContain('0 of 1 deleted; 1 spared');
    await procedures('release', id, '--reason', 'settled', '--by', 'Dr Example');
    expect((await procedures('prune', '--keep-gb', '0.000001', '--dry-run')).out).toContain('1 of 1 would be deleted');
    expect(existsSync(folder)).toBe(true);
    expect((await procedures('delete', id, '--reason', 'old', '--by', 'Dr Example')).code).toBe(0);
    expect(existsSync(folder)).toBe(false);
    expect((await procedures('deletions')).out).toMatch(new RegExp(`${id}  Dr Example .* old`));
  });

  it('names what was tampered with, and exits with 1', async () => {
    const other = await closedTestProcedure(home, { key: await installationKey(home) });
    writeFileSync(join(other.folder, 'stills', 'antrum-6.jpg'), 'x');
    const altered = await procedures('verify', '--all');
    expect(altered.code).toBe(1);
    expect(altered.out).toContain(`ALTERED  ${other.id}`);
    expect(altered.out).toContain('stills/antrum-6.jpg was altered');
    const typed = spawnSync(process.execPath, [MAIN, 'procedures', 'verify', other.id, '--json'], {
      env: { ...process.env, LUMENMARK_HOME: home },
    });
    expect(typed.status).toBe(1);
    expect(JSON.parse(typed.stdout.toString())).toMatchObject({ verdict: 'altered', findings: [{ path: 'stills/antrum-6.jpg' }] });
    const bad = await procedures('verify', other.id, '--key', join(other.folder, 'procedure.json'));
    expect(bad).toMatchObject({ code: 2 });
  });

  it('refuses a home that another process uses, and closes what a dead one left open', async () => {
    const writer = await writeTestProcedure(home, { key: await installationKey(home) });
    await writer.abandon();
    const lock = await lockHome(home);
    const refused = await procedures('recover');
    expect(refused.code).toBe(1);
    expect(refused.err).toContain(`process ${process.pid}`);
    await lock.release();
    const recovered = JSON.parse((await procedures('recover', '--json')).out) as { recovered: { id: string; outcome: string }[] };
    expect(recovered.recovered).toMatchObject([{ id: writer.id, outcome: 'interrupted' }]);
    expect((await procedures('verify', writer.id)).code).toBe(0);
  });

  it('shows what was said in words, from the beginning on, and lets no text move the cursor', async () => {
    const label = 'Dr\u001b[2J\u202e evil\nsecond line';
    const { id: shown } = await closedTestProcedure(home, { key: await installationKey(home), procedure: { label } });
    const { out, code } = await procedures('show', shown);
    expect(code).toBe(0);
    expect(out).toContain('Dr [2J  evil second line');
    expect(out).toMatch(/0:01 +Dr Example +note: Ödem, 5 × 3 mm no biopsy/);
    expect(out).toMatch(/fundus set to seen: seen in retroflexion/);
    expect((await procedures('list')).out).not.toMatch(/\u001b|\u202e/);
  });

  it('verifies without its own key, and when nobody reads on', async () => {
    const key = join(home, 'installation-key.pem');
    const good = readFileSync(key);
    writeFileSync(key, 'no key');
    const { id: sealed } = await closedTestProcedure(home);
    const verified = await procedures('verify', sealed);
    writeFileSync(key, good);
    expect(verified.code).toBe(0);
    expect(verified.out).toContain('a key that is not known here');
    expect(verified.err).toContain('cannot be told from others');

    const child = spawn(process.execPath, [MAIN, 'procedures', 'verify', sealed], { env: { ...process.env, LUMENMARK_HOME: home } });
    let errors = '';
    child.stderr.on('data', (text: Buffer) => (errors += text.toString()));
    child.stdout.destroy();
    expect(await once(child, 'close')).toEqual([0, null]);
    expect(errors).toBe('');
  });

  it('keeps the private key to its owner', () => {
    const file = join(home, 'installation-key.pem');
    expect(readFileSync(file, 'utf8')).toContain('PRIVATE KEY');
    if (process.platform !== 'win32') expect(statSync(file).mode & 0o777).toBe(0o600);
  });
});
