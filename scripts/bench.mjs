// npm run bench [-- NAME [ARGUMENTS]]: runs test/bench/NAME.ts, or lists what there is.
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root } from './lib/project.mjs';

ensureInstalled();
ensureBuilt();
const [name, ...args] = process.argv.slice(2);
const names = readdirSync(join(root, 'test/bench'))
  .filter((file) => file.endsWith('.ts'))
  .map((file) => file.slice(0, -3));
if (name === undefined || !existsSync(join(root, 'test/bench', `${name}.ts`))) {
  console.log(`Usage: npm run bench -- NAME [ARGUMENTS]\nBenchmarks: ${names.join(', ')}`);
  process.exit(name === undefined ? 0 : 2);
}
const { runnerImport } = await import('vite');
const { module } = await runnerImport(join(root, 'test/bench', `${name}.ts`), {
  configFile: false,
  logLevel: 'error',
  root,
  oxc: { target: 'es2022' },
});
await module.default(args);
