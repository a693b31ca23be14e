import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { listModels } from '../../models/registry.js';

export function registerList(models: Command): void {
  models
    .command('list')
    .description('the models of this machine')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: true }) => {
      await list(json === true);
    });
}

async function list(json: boolean): Promise<void> {
  const listed = await listModels({ home: lumenmarkHome() });
  if (json) {
    console.log(JSON.stringify(listed, null, 2));
    return;
  }
  for (const model of listed) {
    if (model.kind === 'built-in') console.log(`${model.name.padEnd(20)} built in, needs no weights`);
    else if (model.kind === 'damaged') console.log(`${model.name.padEnd(20)} DAMAGED: ${model.problem}`);
    else {
      const { manifest } = model;
      const architectures = manifest.backbones.map((backbone) => backbone.architecture).join(' + ');
      console.log(
        `${model.name.padEnd(20)} ${manifest.precision} ${String(manifest.dimension).padStart(4)}-d  ${architectures}${manifest.adapter === null ? '' : ', adapted'}`,
      );
      if (manifest.notice !== undefined) console.log(`${' '.repeat(21)}${manifest.notice}`);
    }
  }
}
