import { execFile } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeGallery, makeVideo } from './support/tiny-procedure.js';

const execute = promisify(execFile);

/** Runs a program; what it printed becomes part of its failure. */
async function run(command: string, args: readonly string[], options: { cwd?: string } = {}): Promise<{ stdout: string; stderr: string }> {
  try {
    return await execute(command, args, options);
  } catch (error) {
    const { stdout, stderr } = error as { stdout: string; stderr: string };
    throw new Error(`${command} ${args.join(' ')}\n${stdout}${stderr}`, { cause: error });
  }
}
const root = fileURLToPath(new URL('..', import.meta.url));

let folder = '';

/** A project of somebody else: the packed package, and nothing of the repository but the installed dependencies. */
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'lumenmark-package-'));
  const { stdout } = await run('npm', ['pack', '--ignore-scripts', '--json', '--pack-destination', folder], { cwd: root });
  const [{ filename }] = JSON.parse(stdout) as [{ filename: string }];
  const installed = join(folder, 'node_modules', 'lumenmark');
  mkdirSync(installed, { recursive: true });
  await run('tar', ['-xzf', join(folder, filename), '-C', installed, '--strip-components=1']);
  for (const name of ['rxjs', 'typescript', '@types', 'undici-types']) {
    cpSync(join(root, 'node_modules', name), join(folder, 'node_modules', name), { recursive: true });
  }
  // Its dependencies, as npm would have put them beside it.
  symlinkSync(join(root, 'node_modules'), join(installed, 'node_modules'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

it('runs the example of the README from the packed package', async () => {
  const [, example] = /```ts\n([\s\S]*?)```/.exec(readFileSync(join(root, 'README.md'), 'utf8')) ?? [];
  writeFileSync(join(folder, 'example.ts'), example!);
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }');
  const compilerOptions = { module: 'nodenext', target: 'es2022', lib: ['es2023', 'esnext.disposable'], strict: true, types: ['node'] };
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions, files: ['example.ts'] }));
  await run(process.execPath, ['node_modules/typescript/bin/tsc', '-p', '.'], { cwd: folder });

  const gallery = await makeGallery(folder);
  const video = await makeVideo(folder);
  const { stdout, stderr } = await run(process.execPath, ['example.js', video, gallery], { cwd: folder });
  expect(stderr).toBe('');
  expect(stdout.trim().split('\n')).toEqual([
    expect.stringMatching(/^[\d.]+–[\d.]+ s {2}pylorus {2}0\.\d\d$/),
    expect.stringMatching(/ z-line /),
  ]);
});
