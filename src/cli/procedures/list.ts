import { Option, type Command } from 'commander';
import { duration } from '../../common/progress.js';
import type { ProcedureQuery } from '../../procedure/catalogue/query.js';
import { completenessOf, type ProcedureSummary } from '../../procedure/catalogue/summary.js';
import type { UnreadableFolder } from '../../procedure/catalogue/store.js';
import { filterOf, withCatalogue, withFilters, type FilterFlags } from './catalogue.js';
import { wholeNumber } from '../flags/values.js';
import { oneLine, tableLines } from '../terminal/table.js';

interface ListFlags extends FilterFlags {
  readonly order: NonNullable<ProcedureQuery['order']>;
  readonly limit: number;
  readonly offset: number;
  readonly json: boolean;
}

/** `lumenmark procedures list`. */
export function registerList(procedures: Command): void {
  withFilters(procedures.command('list').description('the kept procedures, newest first'))
    .addOption(new Option('--order <order>', 'in which order').choices(['newest', 'oldest', 'least-complete', 'longest']).default('newest'))
    .option('--limit <n>', 'at most so many', wholeNumber, 30)
    .option('--offset <n>', 'leave out so many first', wholeNumber, 0)
    .option('--json', 'print one JSON object', false)
    .action((flags: ListFlags) =>
      withCatalogue((catalogue) => {
        const { order, limit, offset } = flags;
        const { total, procedures: found } = catalogue.list({ ...filterOf(flags), order, limit, offset });
        const unreadable = catalogue.unreadable();
        if (flags.json) console.log(JSON.stringify({ total, procedures: found, unreadable }));
        else console.log(textOf(total, found, unreadable).join('\n'));
      }),
    );
}

function textOf(total: number, found: readonly ProcedureSummary[], unreadable: readonly UnreadableFolder[]): string[] {
  const rows = found.map((summary) => {
    const { required, seen, documented } = completenessOf(summary);
    const { totalMs } = summary.timers;
    return [
      summary.id,
      summary.kind,
      `${summary.state}${summary.held ? ', held' : ''}`,
      `${documented}/${required}`,
      `${seen}/${required}`,
      totalMs === null ? '–' : duration(totalMs),
      summary.checklist.id,
      `${summary.simulated ? '[simulated] ' : ''}${summary.label ?? summary.source}`,
    ];
  });
  return [
    ...(found.length === 0
      ? ['No procedure fits.']
      : tableLines(['id', 'kind', 'state', 'documented', 'seen', 'length', 'checklist', 'label or source'], rows)),
    ...(total > found.length ? [`${found.length} of ${total}; see more with --limit and --offset.`] : []),
    ...unreadable.map(({ folder, reason }) => oneLine(`not readable: ${folder} (${reason})`)),
  ];
}
