import { Option, type Command } from 'commander';
import { progressBar } from '../../common/progress.js';
import { lumenmarkHome } from '../../common/home.js';
import { openCatalogue, type Catalogue } from '../../procedure/catalogue/catalogue.js';
import type { ProcedureFilter } from '../../procedure/catalogue/query.js';
import { abortable } from '../terminal/interrupt.js';

export interface FilterFlags {
  readonly text?: string;
  readonly from?: string;
  readonly to?: string;
  readonly checklist?: string;
  readonly kind?: 'recorded' | 'imported' | 'photographs';
  readonly state?: 'open' | 'closed' | 'interrupted';
  readonly complete?: boolean;
  readonly incomplete?: boolean;
  readonly missed?: string;
  readonly held?: boolean;
}

/** Adds the options by which procedures are chosen. */
export function withFilters(command: Command): Command {
  return command
    .option('--text <text>', 'part of the label or id')
    .option('--from <day>', 'first day in UTC, such as 2026-11-01')
    .option('--to <day>', 'last day in UTC')
    .option('-c, --checklist <id>', 'only of this checklist')
    .addOption(new Option('--kind <kind>', 'only of this kind').choices(['recorded', 'imported', 'photographs']))
    .addOption(new Option('--state <state>', 'only in this state').choices(['open', 'closed', 'interrupted']))
    .addOption(new Option('--complete', 'only those with every required site documented').conflicts('incomplete'))
    .option('--incomplete', 'only those with a required site that is not documented')
    .option('--missed <site>', 'only those that left this site unseen')
    .option('--held', 'only those marked for audit');
}

export function filterOf(flags: FilterFlags): ProcedureFilter {
  const { text, from, to, checklist, kind, state, complete, incomplete, missed, held } = flags;
  return {
    ...(text === undefined ? {} : { text }),
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    ...(checklist === undefined ? {} : { checklistId: checklist }),
    ...(kind === undefined ? {} : { kind }),
    ...(state === undefined ? {} : { state }),
    ...(complete === true ? { documented: true } : {}),
    ...(incomplete === true ? { documented: false } : {}),
    ...(missed === undefined ? {} : { missedSiteId: missed }),
    ...(held === true ? { held: true } : {}),
  };
}

/** Runs work on the catalogue of the home; folders that are new are read first. */
export async function withCatalogue(work: (catalogue: Catalogue) => void, options: { readonly rebuild?: boolean } = {}): Promise<void> {
  const bar = progressBar();
  const catalogue = await abortable((signal) =>
    openCatalogue(lumenmarkHome(), {
      ...options,
      signal,
      onProgress: (done, total) => {
        bar.update({ label: 'reading', done, total });
      },
    }),
  );
  bar.end();
  try {
    if (catalogue.notice !== null) console.error(catalogue.notice);
    work(catalogue);
  } finally {
    catalogue.dispose();
  }
}
