import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { progressBar } from '../../common/progress.js';
import { mebibytes } from '../../models/files.js';
import { knownFiles } from '../../models/known-files.js';
import { explainGastronet, pullCheckpoint } from '../../models/pull.js';

interface PullFlags {
  readonly from?: string;
  readonly json?: true;
}

export function registerPull(models: Command): void {
  models
    .command('pull')
    .description('fetch a published checkpoint from its official address')
    .argument(
      '<id>',
      `one of ${knownFiles()
        .flatMap((file) => (file.url === undefined ? [] : [file.id]))
        .join(', ')}; or gastronet, which explains how to obtain it`,
    )
    .option('--from <url>', 'another address of the same file')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: PullFlags) => {
      await pull(id, flags);
    });
}

async function pull(id: string, flags: PullFlags): Promise<void> {
  const home = lumenmarkHome();
  if (id === 'gastronet' || id.startsWith('gastronet-')) {
    console.log(explainGastronet(home));
    return;
  }
  const progress = progressBar(flags.json === true ? { write: () => undefined } : process.stderr);
  const inMebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  const onProgress = (done: number, total: number | null): void => {
    progress.update({ label: 'MiB', done: inMebibytes(done), total: inMebibytes(total ?? done) });
  };
  try {
    const pulled = await pullCheckpoint(id, { home, onProgress, ...(flags.from === undefined ? {} : { from: flags.from }) });
    progress.end();
    if (flags.json === true) {
      console.log(JSON.stringify(pulled, null, 2));
      return;
    }
    const pinned = {
      registry: 'as listed',
      recorded: 'as at the first download',
      'first time': 'recorded; it will be held against later downloads',
    }[pulled.pinned];
    console.log(`${pulled.fetched ? 'Fetched' : 'Already here'}: ${pulled.path} (${mebibytes(pulled.byteLength)})`);
    console.log(`SHA-256 ${pulled.sha256} (${pinned}); licence ${pulled.known.licence}`);
    console.log(`Import it: lumenmark models import --name NAME --backbone ${pulled.known.id}`);
  } finally {
    progress.end();
  }
}
