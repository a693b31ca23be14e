import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { progressBar } from '../../common/progress.js';
import { ownPublicKey } from '../../procedure/key.js';
import { remakeOverview } from '../../procedure/report/remake-overview.js';

/** `lumenmark procedures overview`. */
export function registerOverview(procedures: Command): void {
  procedures
    .command('overview')
    .description('make the overview of many audits of photographs anew, with its reports: what was corrected since counts in it')
    .argument('<folder>', 'folder with the overview that “audit” wrote')
    .option('--json', 'print the overview as JSON', false)
    .action(async (folder: string, { json }: { json: boolean }) => {
      const home = lumenmarkHome();
      const ownKey = await ownPublicKey(home);
      const bar = progressBar();
      const { overview, files } = await remakeOverview(folder, {
        home,
        ownKey,
        onProgress: (done, total) => {
          bar.update({ label: 'reporting', done, total });
        },
      }).finally(() => {
        bar.end();
      });
      if (json) console.log(JSON.stringify(overview));
      else for (const file of files) console.log(file);
    });
}
