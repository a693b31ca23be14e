import type { Command } from 'commander';
import { duration } from '../../common/progress.js';
import type { CatalogueStatistics, ChecklistStatistics, TimeStatistics } from '../../procedure/catalogue/statistics.js';
import { filterOf, withCatalogue, withFilters, type FilterFlags } from './catalogue.js';
import { percent, tableLines } from '../terminal/table.js';

/** Months in a terminal's width. */
const MONTHS_SHOWN = 6;

/** `lumenmark procedures stats`: the figures that quality managers report. */
export function registerStats(procedures: Command): void {
  withFilters(procedures.command('stats').description('completeness by site and month, times, and the sites most often left unseen'))
    .option('--json', 'print one JSON object', false)
    .action((flags: FilterFlags & { readonly json: boolean }) =>
      withCatalogue((catalogue) => {
        const statistics = catalogue.statistics(filterOf(flags));
        if (flags.json) console.log(JSON.stringify(statistics));
        else console.log(textOf(statistics).join('\n'));
      }),
    );
}

function textOf({ procedures, checklists, timers }: CatalogueStatistics): string[] {
  if (procedures === 0) return ['No procedure fits.'];
  return [
    `${procedures} procedures`,
    ...(['total', 'inspection', 'withdrawal'] as const).flatMap((name) => timeLine(name, timers[name])),
    ...checklists.flatMap(checklistLines),
  ];
}

function timeLine(name: string, time: TimeStatistics | null): string[] {
  if (time === null) return [];
  const { n, p25Ms, medianMs, p75Ms } = time;
  return [`${name} time: median ${duration(medianMs)}, quartiles ${duration(p25Ms)} to ${duration(p75Ms)}, n = ${n}`];
}

function checklistLines(list: ChecklistStatistics): string[] {
  const months = list.months.slice(-MONTHS_SHOWN).map(({ month }) => month);
  const share = (counts: { documented: number; supported: number } | undefined): string =>
    counts === undefined || counts.supported === 0 ? '–' : `${Math.round((100 * counts.documented) / counts.supported)} %`;
  return [
    '',
    `${list.name}: ${list.procedures} procedures, ${list.complete} with every required site documented, ${list.documentedShare === null ? '–' : percent(list.documentedShare)} of required sites`,
    ...tableLines(
      ['site, share documented', 'all', 'n', ...months],
      list.sites.map((site) => [
        `${site.name}${site.optional ? ' (optional)' : ''}`,
        share(site),
        site.supported,
        ...months.map((month) => share(site.months[month])),
      ]),
    ).map((line) => `  ${line}`),
    ...(list.blindSpots.length === 0
      ? ['  No required site was left unseen.']
      : [
          `  Most often left unseen: ${list.blindSpots
            .slice(0, 5)
            .map(({ name, unseen, supported }) => `${name} (${unseen} of ${supported})`)
            .join(', ')}`,
        ]),
  ];
}
