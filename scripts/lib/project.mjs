// What the two commands of the README share: install what is missing, build what is stale, run a tool of node_modules.
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../..', import.meta.url));

/** Runs a program in the repository root with its output shown; returns its exit status. */
export function run(command, args, env = {}) {
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', env: { ...process.env, ...env } });
  if (error) throw error;
  return status ?? 1;
}

/** Runs a script of an installed package, by path below node_modules. */
export function runTool(path, args) {
  return run(process.execPath, [join('node_modules', path), ...args]);
}

function requireNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  if (major > 20 || (major === 20 && minor >= 12)) return;
  console.error(`Lumenmark needs Node 20.12 or newer; this is ${process.versions.node}. See https://nodejs.org.`);
  process.exit(1);
}

/** Installs the dependencies when the lock file is not the one that was installed last. */
export function ensureInstalled() {
  requireNode();
  const stamp = join(root, 'node_modules', '.lumenmark-installed');
  const wanted = `${createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex')} node-abi-${process.versions.modules}`;
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.log('Installing dependencies (npm ci) …');
  // onnxruntime-node would otherwise fetch CUDA libraries from outside the registry where it sees a CUDA toolkit.
  const status = spawnSync('npm', ['ci', '--no-audit', '--no-fund'], {
    cwd: root,
    stdio: 'inherit',
    shell: process.platform === 'win32',
    env: { ...process.env, ONNXRUNTIME_NODE_INSTALL: 'skip' },
  }).status;
  if (status !== 0) {
    console.error('Installing the dependencies failed; the lines above say why.');
    process.exit(1);
  }
  writeFileSync(stamp, wanted);
}

export function ensureBuilt() {
  const status = run(process.execPath, ['scripts/build.mjs']);
  if (status !== 0) process.exit(status);
}
