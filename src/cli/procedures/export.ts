import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { progressBar } from '../../common/progress.js';
import { exportProcedure } from '../../procedure/export.js';
import { abortable } from '../terminal/interrupt.js';
import { resolveProcedure } from './resolve.js';

/** `lumenmark procedures export`. */
export function registerExport(procedures: Command): void {
  procedures
    .command('export')
    .description('copy a procedure to a folder or a .zip archive that verifies elsewhere')
    .argument('<procedure>', 'id or its first letters, "latest", or the path of a folder')
    .requiredOption('-o, --out <path>', 'new folder, or new archive when it ends in .zip')
    .option('--json', 'print one JSON object', false)
    .action(async (name: string, { out, json }: { readonly out: string; readonly json: boolean }) => {
      const folder = await resolveProcedure(lumenmarkHome(), name);
      const bar = progressBar();
      const exported = await abortable((signal) =>
        exportProcedure(folder, out, {
          signal,
          onProgress: (label, done, total) => {
            bar.update({ label, done, total });
          },
        }),
      ).finally(() => {
        bar.end();
      });
      if (json) console.log(JSON.stringify(exported));
      else {
        console.log(`${exported.out}: ${exported.files} files, ${exported.bytes} bytes, verified.`);
        console.log(`head hash ${exported.headHash}`);
      }
    });
}
