import { InvalidArgumentError, type Command } from 'commander';
import { messageOf, UsageError } from '../common/errors.js';
import { openCatalogue } from '../procedure/catalogue/catalogue.js';
import { deleteProcedure } from '../procedure/delete.js';
import { planRetention, type Keepable } from '../procedure/retention.js';
import { abortable } from './interrupt.js';
import { byOption, withHome } from './procedures-home.js';
import { tableLines } from './table.js';

interface PruneFlags {
  readonly keepDays?: number;
  readonly keepGb?: number;
  readonly dryRun: boolean;
  readonly by: string;
  readonly json: boolean;
}

const BYTES_PER_GB = 1e9;
const PAGE = 1000;

/** `lumenmark procedures prune`. */
export function registerPrune(procedures: Command): void {
  procedures
    .command('prune')
    .description('delete old procedures by rules; never those marked for audit or still open')
    .option('--keep-days <n>', 'delete what is older', positive)
    .option('--keep-gb <n>', 'delete the oldest until the rest is no larger (1 GB = 10⁹ bytes)', positive)
    .option('--dry-run', 'only say what would be deleted', false)
    .addOption(byOption())
    .option('--json', 'print one JSON object', false)
    .action(prune);
}

async function prune({ keepDays, keepGb, dryRun, by, json }: PruneFlags): Promise<void> {
  if (keepDays === undefined && keepGb === undefined) {
    throw new UsageError('prune-rules', 'No rule was given', { remedy: 'Give --keep-days, --keep-gb, or both.' });
  }
  await withHome(async ({ path }) => {
    const found = await abortable((signal) => keepables(path, signal));
    const rules = { keepDays: keepDays ?? null, keepBytes: keepGb === undefined ? null : keepGb * BYTES_PER_GB };
    const plan = planRetention(found, rules, Date.now());
    const failed: { id: string; error: string }[] = [];
    if (!dryRun) {
      for (const { id, reason } of plan.remove) {
        await deleteProcedure(path, id, { reason, by }).catch((error: unknown) => {
          failed.push({ id, error: messageOf(error) });
        });
      }
    }
    if (failed.length > 0) process.exitCode = 1;
    if (json) {
      console.log(JSON.stringify({ ...plan, dryRun, failed }));
      return;
    }
    const rows = plan.remove.map(({ id, bytes, reason }) => [id, bytes, reason]);
    if (rows.length > 0) console.log(tableLines(['procedure', 'bytes', 'reason'], rows).join('\n'));
    console.log(
      `${rows.length - failed.length} of ${found.length} ${dryRun ? 'would be deleted' : 'deleted'}; ${plan.spared} spared (marked for audit, or open).`,
    );
    for (const { id, error } of failed) console.error(`${id}: not deleted: ${error}`);
    if (plan.exceeded) console.error('What may not be deleted is larger than the limit by itself.');
  });
}

async function keepables(home: string, signal: AbortSignal): Promise<Keepable[]> {
  const catalogue = await openCatalogue(home, { signal });
  try {
    const found: Keepable[] = [];
    for (let total = 1; found.length < total;) {
      const page = catalogue.list({ order: 'oldest', limit: PAGE, offset: found.length });
      total = page.total;
      if (page.procedures.length === 0) break;
      found.push(...page.procedures);
    }
    return found;
  } finally {
    catalogue.dispose();
  }
}

function positive(text: string): number {
  const value = Number(text);
  if (!(value > 0) || !Number.isFinite(value)) throw new InvalidArgumentError('It takes a number above 0.');
  return value;
}
