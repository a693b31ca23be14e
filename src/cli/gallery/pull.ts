import { mkdtemp, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { createInterface } from 'node:readline/promises';
import { Option, type Command } from 'commander';
import { UsageError } from '../../common/errors.js';
import { lumenmarkHome } from '../../common/home.js';
import type { ClassKind } from '../../common/landmarks.js';
import { progressBar } from '../../common/progress.js';
import { DEVICES, type Device } from '../../inference/device.js';
import { mebibytes } from '../../models/files.js';
import { openModel } from '../../models/registry.js';
import { buildGallery } from '../../retrieval/build-gallery.js';
import { checkGalleryPlace } from '../../retrieval/gallery-folder.js';
import { findDataSet, pullDataSet, unpackDataSet, type DataSet } from '../../retrieval/data-sets.js';
import { cacheOf, noCacheOption } from '../flags/cache.js';
import { abortable } from '../terminal/interrupt.js';
import { listed } from '../terminal/listed.js';
import { reportLines } from './report-lines.js';
import { kinds } from '../flags/values.js';

interface PullFlags {
  readonly out: string;
  readonly model: string;
  readonly kinds: readonly ClassKind[];
  readonly acceptLicence: boolean;
  readonly from?: string;
  readonly device: Device;
  readonly cache: boolean;
  readonly json: boolean;
}

export function registerPull(gallery: Command): void {
  gallery
    .command('pull')
    .description('fetch the labelled pictures of a published data set and build a gallery of its landmarks')
    .argument('<data-set>', 'hyperkvasir')
    .requiredOption('-o, --out <gallery>', 'folder to write; a gallery that is there is replaced')
    .option('-m, --model <name>', 'model to embed with', 'descriptors')
    .addOption(new Option('--kinds <list>', 'classes of which kinds').argParser(kinds).default(['landmark'], 'landmark'))
    .option('--accept-licence', 'accept the licence of the data set without being asked', false)
    .option('--from <url>', 'fetch from here instead of the official address')
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .addOption(noCacheOption())
    .option('--json', 'print the report as JSON', false)
    .action(pull);
}

async function pull(id: string, flags: PullFlags): Promise<void> {
  const dataSet = findDataSet(id);
  const home = lumenmarkHome();
  const model = await openModel(flags.model, { home });
  await requireLicence(dataSet, flags);
  await checkGalleryPlace(flags.out);
  const bar = progressBar();
  const onProgress =
    (label: string) =>
    (done: number, total: number): void => {
      bar.update({ label, done, total });
    };
  const inMebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  await abortable(async (signal) => {
    const pulled = await pullDataSet(dataSet, {
      home,
      ...(flags.from === undefined ? {} : { from: flags.from }),
      signal,
      onProgress: (done, total) => {
        onProgress('MiB')(inMebibytes(done), inMebibytes(total ?? dataSet.approximateBytes));
      },
    });
    const pictures = await mkdtemp(join(dirname(resolve(flags.out)), '.lumenmark-pull-'));
    try {
      const unzipped = await unpackDataSet(pulled.archive, pictures, { kinds: flags.kinds, signal, onProgress: onProgress('unpacking') });
      const report = await buildGallery({
        directory: pictures,
        out: flags.out,
        model,
        device: flags.device,
        ...cacheOf(flags),
        signal,
        onProgress: ({ stage, done, total }) => {
          onProgress(stage)(done, total);
        },
      });
      bar.end();
      if (flags.json) {
        console.log(JSON.stringify({ dataSet, pulled, damaged: unzipped.damaged, report }));
        return;
      }
      const lines = [
        `${pulled.archive}: ${mebibytes(pulled.byteLength)}, SHA-256 ${pulled.sha256} (${PINNED[pulled.pinned]})`,
        ...listed(
          `${unzipped.damaged.length} damaged in the archive, left out`,
          unzipped.damaged.map(({ path, reason }) => `${path}: ${reason}`),
        ),
        ...reportLines(report),
        `Licence: ${dataSet.licence}.`,
      ];
      console.log(lines.join('\n'));
    } finally {
      await rm(pictures, { recursive: true, force: true });
    }
  }).finally(() => {
    bar.end();
  });
}

const PINNED = {
  registry: 'as listed',
  recorded: 'as at the first download',
  'first time': 'recorded; it will be held against later downloads',
} as const;

/** Shows the licence where a user meets it, and asks. @throws UsageError when it is not accepted. */
async function requireLicence(dataSet: DataSet, { acceptLicence }: PullFlags): Promise<void> {
  console.error(`${dataSet.title}: about ${mebibytes(dataSet.approximateBytes)}.\nLicence: ${dataSet.licence}.\nCite: ${dataSet.origin}`);
  if (acceptLicence) return;
  if (process.stdin.isTTY) {
    const terminal = createInterface({ input: process.stdin, output: process.stderr });
    const answer = await terminal.question('Do you accept it? Type yes: ').finally(() => {
      terminal.close();
    });
    if (answer.trim().toLowerCase() === 'yes') return;
  }
  throw new UsageError('licence-not-accepted', `${dataSet.title}: its licence was not accepted, so nothing was fetched`, {
    remedy: 'Read it at the address above; if you accept it, say --accept-licence.',
  });
}
