import { dirname, basename, resolve } from 'node:path';
import type { Command } from 'commander';
import { UsageError } from '../../common/errors.js';
import { lumenmarkHome } from '../../common/home.js';
import { deleteProcedure } from '../../procedure/delete.js';
import { readDeletions } from '../../procedure/deletion-log.js';
import { proceduresFolder } from '../../procedure/paths.js';
import { byOption, withHome } from './locked-home.js';
import { resolveProcedure } from './resolve.js';
import { tableLines } from '../terminal/table.js';

interface DeleteFlags {
  readonly reason: string;
  readonly by: string;
  readonly json: boolean;
}

/** `lumenmark procedures delete` and `deletions`. */
export function registerDelete(procedures: Command): void {
  procedures
    .command('delete')
    .description('delete procedures for good; those marked for audit or still open are refused. A line of it stays in the log')
    .argument('<procedure...>', 'ids or their first letters')
    .requiredOption('--reason <text>', 'why; it is kept in the log')
    .addOption(byOption())
    .option('--json', 'print one JSON object per procedure', false)
    .action(async (names: string[], { reason, by, json }: DeleteFlags) => {
      await withHome(async ({ path }) => {
        const ids = await Promise.all(names.map((name) => idOf(path, name)));
        for (const id of new Set(ids)) {
          const deleted = await deleteProcedure(path, id, { reason, by });
          console.log(json ? JSON.stringify(deleted) : `${id}: deleted, ${deleted.bytes} bytes`);
        }
      });
    });

  procedures
    .command('deletions')
    .description('the log of what was deleted, when, by whom and why')
    .option('--json', 'print one JSON object per line', false)
    .action(async ({ json }: { readonly json: boolean }) => {
      const deletions = await readDeletions(lumenmarkHome());
      if (json) for (const deletion of deletions) console.log(JSON.stringify(deletion));
      else if (deletions.length === 0) console.log('Nothing was deleted.');
      else {
        const rows = deletions.map(({ at, id, by, reason, headHash }) => [at, id, by, headHash?.slice(0, 16) ?? '–', reason]);
        console.log(tableLines(['at', 'procedure', 'by', 'head hash', 'reason'], rows).join('\n'));
      }
    });
}

/** Only what lies in the home is deleted: a folder elsewhere is somebody's copy. */
async function idOf(home: string, name: string): Promise<string> {
  const folder = resolve(await resolveProcedure(home, name));
  if (dirname(folder) === resolve(proceduresFolder(home))) return basename(folder);
  throw new UsageError('procedure-elsewhere', `${name}: is not in ${home}`, { remedy: 'Delete a copy by the means of your system.' });
}
