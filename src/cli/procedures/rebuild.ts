import type { Command } from 'commander';
import { withCatalogue } from './catalogue.js';

/** `lumenmark procedures rebuild`. */
export function registerRebuild(procedures: Command): void {
  procedures
    .command('rebuild')
    .description('make the catalogue anew from the folders; it holds nothing that they do not')
    .option('--json', 'print one JSON object', false)
    .action(({ json }: { json: boolean }) =>
      withCatalogue(
        (catalogue) => {
          const { total } = catalogue.list({ limit: 1 });
          const unreadable = catalogue.unreadable();
          if (json) console.log(JSON.stringify({ procedures: total, unreadable }));
          else {
            console.log(`${total} procedures read.`);
            for (const { folder, reason } of unreadable) console.log(`not readable: ${folder} (${reason})`);
          }
        },
        { rebuild: true },
      ),
    );
}
