import type { Command } from 'commander';
import { verifyGallery } from '../../retrieval/verify-gallery.js';

export function registerVerify(gallery: Command): void {
  gallery
    .command('verify')
    .description('check every file of a gallery, its model and its index')
    .argument('<gallery>')
    .option('--json', 'print the checks as JSON', false)
    .action(async (dir: string, flags: { readonly json: boolean }) => {
      const checks = await verifyGallery(dir);
      if (flags.json) console.log(JSON.stringify(checks));
      else for (const { name, ok, detail } of checks) console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name}: ${detail}`);
      if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
    });
}
