// Builds dist/ (tsc) and dist/client/ (vite), each only when something it is made from is newer.
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const quiet = process.argv.includes('--quiet');
// The compiler emits in spite of type errors: while one part is being changed, tests of the others can go on.
const lenient = process.argv.includes('--lenient');

function newestMs(...paths) {
  let newest = 0;
  for (const path of paths) {
    if (!existsSync(path)) continue;
    const stat = statSync(path);
    newest = Math.max(newest, stat.mtimeMs);
    if (stat.isDirectory()) for (const name of readdirSync(path)) newest = Math.max(newest, newestMs(join(path, name)));
  }
  return newest;
}

function step(name, stamp, inputs, args) {
  const stampPath = join(root, 'dist', stamp);
  if (existsSync(stampPath) && statSync(stampPath).mtimeMs >= newestMs(...inputs.map((input) => join(root, input)))) return;
  if (!quiet) console.log(`Building ${name} …`);
  const startedMs = Date.now();
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) {
    console.error(`Building ${name} failed.`);
    if (!lenient) process.exit(1);
    return;
  }
  mkdirSync(join(root, 'dist'), { recursive: true });
  writeFileSync(stampPath, '');
  // What changed while the compiler ran must count as newer.
  const startedS = startedMs / 1000;
  utimesSync(stampPath, startedS, startedS);
}

/** What was compiled from a module that has moved or gone since must not be shipped. */
function removeLeftovers(folder = '') {
  for (const entry of readdirSync(join(root, 'dist', folder), { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory() && path !== 'client') removeLeftovers(path);
    const source = /^(.*?)\.(js|d\.ts)(\.map)?$/.exec(path)?.[1];
    if (source === undefined || ['.ts', '.tsx'].some((ending) => existsSync(join(root, 'src', source + ending)))) continue;
    rmSync(join(root, 'dist', path));
  }
}

step(
  'the server',
  '.server-built',
  ['src', 'tsconfig.json', 'package-lock.json'],
  ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.json'],
);
removeLeftovers();
if (existsSync(join(root, 'client/vite.config.ts'))) {
  const protocols = readdirSync(join(root, 'src/server')).flatMap((name) => (/protocol\.ts$/.test(name) ? [`src/server/${name}`] : []));
  step(
    'the overlay',
    '.client-built',
    ['client', ...protocols, 'package-lock.json'],
    ['node_modules/vite/bin/vite.js', 'build', '--config', 'client/vite.config.ts', ...(quiet ? ['--logLevel', 'warn'] : [])],
  );
}
