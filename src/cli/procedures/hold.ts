import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { createAmender } from '../../procedure/amend.js';
import { byOption, withHome } from './locked-home.js';
import { resolveProcedure } from './resolve.js';

interface HoldFlags {
  readonly reason: string;
  readonly by: string;
  readonly json: boolean;
}

/** `lumenmark procedures hold` and `release`. */
export function registerHold(procedures: Command): void {
  const add = (name: string, on: boolean, description: string): void => {
    procedures
      .command(name)
      .description(description)
      .argument('<procedure>', 'id or its first letters, or "latest"')
      .requiredOption('--reason <text>', 'why; it is kept in the journal')
      .addOption(byOption())
      .option('--json', 'print one JSON object', false)
      .action(async (procedure: string, { reason, by, json }: HoldFlags) => {
        const folder = await resolveProcedure(lumenmarkHome(), procedure);
        const { headHash } = await withHome(({ key }) => createAmender(key).amend(folder, { type: 'audit-hold', on, reason, by }));
        if (json) console.log(JSON.stringify({ folder, held: on, headHash }));
        else console.log(`${on ? 'Marked for audit: it is not deleted until released.' : 'Released.'} New head hash ${headHash}`);
      });
  };
  add('hold', true, 'mark a procedure for audit: neither you nor retention can delete it until it is released');
  add('release', false, 'take the mark for audit back');
}
