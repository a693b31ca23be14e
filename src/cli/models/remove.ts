import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { removeModel } from '../../models/registry.js';

export function registerRemove(models: Command): void {
  models
    .command('remove')
    .description('delete an imported model')
    .argument('<name>')
    .action(async (name: string) => {
      await removeModel(name, { home: lumenmarkHome() });
      console.log(`Removed ${name}.`);
    });
}
