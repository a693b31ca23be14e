// npm start [-- OPTIONS]: install what is missing, build what is stale, then `lumenmark live OPTIONS`.
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { ensureBuilt, ensureInstalled, root } from './lib/project.mjs';

ensureInstalled();
ensureBuilt();
const main = join(root, 'dist/cli/main.js');
process.argv.splice(1, 1, main, 'live');
await import(pathToFileURL(main).href);
