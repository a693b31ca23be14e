import { execFile } from 'node:child_process';
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { write } from '../retrieval/support.js';
import { temporaryFolder } from '../support/temporary.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const demo = join(root, 'models/demo/gallery');
const folder = temporaryFolder();

function lumenmark(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const env = { ...process.env, LUMENMARK_HOME: join(folder, 'home') };
    execFile(process.execPath, [join(root, 'dist/cli/main.js'), ...args], { env, maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

// Each command is a process of its own that loads a model.
describe('lumenmark audit of photographs', { timeout: 120_000 }, () => {
  it('audits a tree of procedures with an overview, lists what failed, and reports one of them again', async () => {
    const archive = join(folder, 'archive');
    // Exemplars are photographs too: of every second landmark in one procedure, of the others in the other.
    for (const [at, exemplar] of [0, 40, 80, 120, 160, 200, 240, 280].entries()) {
      const target = join(archive, at % 2 === 0 ? 'first' : 'second', `${exemplar}.jpg`);
      await cp(join(demo, 'thumbnails/0', `${exemplar}.jpg`), target);
    }
    await write(join(archive, 'third/broken.jpg'), 'x');
    const out = join(folder, 'out');
    const audited = await lumenmark('audit', archive, '--gallery', demo, '--device', 'cpu', '--out', out, '--json');
    const lines = audited.stdout.trim().split('\n');
    const [first, second, third, overview] = lines.map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(audited.code).toBe(1);
    expect(first).toMatchObject({ name: 'first', photographs: { length: 4 }, completeness: { required: 10 } });
    expect(second).toMatchObject({ name: 'second' });
    expect(third).toMatchObject({ name: 'third', code: 'photographs-unreadable' });
    expect(overview).toMatchObject({ overview: { procedures: 2, failed: { length: 1 } } });
    const page = await readFile(join(out, 'overview.html'), 'utf8');
    expect(page).toContain(`href="${String(first?.['id'])}/report.html"`);
    expect((await readFile(join(out, 'overview.csv'), 'utf8')).trim().split('\r\n')).toHaveLength(4);

    const report = await lumenmark('procedures', 'report', String(first?.['id']), '--json');
    expect(report.code).toBe(0);
    expect(JSON.parse(report.stdout)).toMatchObject({ kind: 'photographs', verification: { verdict: 'intact' } });
    const listed = await lumenmark('procedures', 'list', '--json');
    expect(JSON.parse(listed.stdout)).toMatchObject({ total: 2 });
  });

  it('names the thing, the cause and the remedy', async () => {
    const cases: [string[], number, RegExp][] = [
      [['audit', join(folder, 'nowhere.jpg'), '--gallery', demo], 1, /nowhere\.jpg: no such file or folder/],
      [['audit', 'x.jpg'], 2, /No gallery was given/],
    ];
    for (const [args, code, message] of cases) {
      const outcome = await lumenmark(...args);
      expect(outcome.stderr, args.join(' ')).toMatch(message);
      expect(outcome.code, args.join(' ')).toBe(code);
    }
  });
});
