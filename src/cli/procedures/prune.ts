import type { Command } from 'commander';
import { UsageError } from '../../common/errors.js';
import { pruneProcedures } from '../../procedure/prune.js';
import { abortable } from '../terminal/interrupt.js';
import { byOption, withHome } from './locked-home.js';
import { retentionRules, withRetention, type RetentionFlags } from '../flags/retention.js';
import { tableLines } from '../terminal/table.js';

interface PruneFlags extends RetentionFlags {
  readonly dryRun: boolean;
  readonly by: string;
  readonly json: boolean;
}

/** `lumenmark procedures prune`. */
export function registerPrune(procedures: Command): void {
  withRetention(procedures.command('prune').description('delete old procedures by rules; never those marked for audit or still open'))
    .option('--dry-run', 'only say what would be deleted', false)
    .addOption(byOption())
    .option('--json', 'print one JSON object', false)
    .action(prune);
}

async function prune({ dryRun, by, json, ...flags }: PruneFlags): Promise<void> {
  const rules = retentionRules(flags);
  if (rules === null) throw new UsageError('prune-rules', 'No rule was given', { remedy: 'Give --keep-days, --keep-gb, or both.' });
  await withHome(async ({ path }) => {
    const pruned = await abortable((signal) => pruneProcedures(path, rules, { by, dryRun, signal }));
    const { remove, total, spared, failed, exceeded } = pruned;
    if (failed.length > 0) process.exitCode = 1;
    if (json) {
      console.log(JSON.stringify({ ...pruned, dryRun }));
      return;
    }
    const rows = remove.map(({ id, bytes, reason }) => [id, bytes, reason]);
    if (rows.length > 0) console.log(tableLines(['procedure', 'bytes', 'reason'], rows).join('\n'));
    console.log(
      `${rows.length - failed.length} of ${total} ${dryRun ? 'would be deleted' : 'deleted'}; ${spared} spared (marked for audit, or open).`,
    );
    for (const { id, error } of failed) console.error(`${id}: not deleted: ${error}`);
    if (exceeded) console.error('What may not be deleted is larger than the limit by itself.');
  });
}
