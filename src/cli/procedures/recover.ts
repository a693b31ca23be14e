import type { Command } from 'commander';
import { withHome } from './locked-home.js';

/** `lumenmark procedures recover`. */
export function registerRecover(procedures: Command): void {
  procedures
    .command('recover')
    .description('close what a crash left open; live and audit do the same when they start')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { readonly json: boolean }) => {
      await withHome((home) => {
        if (home.recovered.some(({ outcome }) => outcome === 'damaged' || outcome === 'failed')) process.exitCode = 1;
        if (json) console.log(JSON.stringify({ recovered: home.recovered }));
        else if (home.recovered.length === 0) console.log('Nothing was left open.');
        return Promise.resolve();
      });
    });
}
