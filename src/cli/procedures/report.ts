import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { ownPublicKey } from '../../procedure/key.js';
import { writeReport } from '../../procedure/report/write-report.js';
import { resolveProcedure } from './resolve.js';

/** `lumenmark procedures report`. */
export function registerReport(procedures: Command): void {
  procedures
    .command('report')
    .description('the report of a procedure as one page (prints to PDF), as JSON and as CSV; verified anew every time')
    .argument('<id>', 'id or its first letters, "latest", or the path of a folder')
    .option('-o, --out <folder>', 'where the files go (default: the folder of the procedure)')
    .option('--json', 'print the report as JSON', false)
    .action(async (name: string, { out, json }: { out?: string; json: boolean }) => {
      const home = lumenmarkHome();
      const folder = await resolveProcedure(home, name);
      const ownKey = await ownPublicKey(home);
      const { report, files } = await writeReport(folder, { ownKey, ...(out === undefined ? {} : { out }) });
      if (json) console.log(JSON.stringify(report));
      else for (const file of files) console.log(file);
      for (const { message } of report.verification.findings) console.error(message);
      if (report.verification.verdict === 'altered') process.exitCode = 1;
    });
}
