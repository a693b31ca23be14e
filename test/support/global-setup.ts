import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Workers and the command line run from dist/: build it before the first test, so that they test what is written now. */
export default function setup(): void {
  execFileSync(process.execPath, ['scripts/build.mjs', '--quiet', '--lenient'], {
    cwd: fileURLToPath(new URL('../..', import.meta.url)),
    stdio: 'inherit',
  });
}
