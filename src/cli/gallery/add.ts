import { dirname, basename, resolve } from 'node:path';
import { stat } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { UsageError } from '../../common/errors.js';
import { progressBar } from '../../common/progress.js';
import { DEVICES, type Device } from '../../inference/device.js';
import { addToGallery, type PictureSource } from '../../retrieval/add-to-gallery.js';
import { listLabelledPictures } from '../../retrieval/labelled-pictures.js';
import { cacheOf, noCacheOption } from '../flags/cache.js';
import { abortable } from '../terminal/interrupt.js';
import { listed } from '../terminal/listed.js';
import { moment } from '../flags/values.js';
import { procedureSource } from './procedure-source.js';

interface AddFlags {
  readonly label?: string;
  readonly procedure?: string;
  readonly at?: number;
  readonly device: Device;
  readonly cache: boolean;
  readonly json: boolean;
}

export function registerAdd(gallery: Command): void {
  gallery
    .command('add')
    .description('add pictures to a gallery: folders with a folder per label, pictures of one --label, or what a procedure shows')
    .argument('<gallery>')
    .argument('[path...]', 'folders; with --label also pictures')
    .option('--label <label>', 'label of all of them; with --procedure alone, only stills of this landmark')
    .option('--procedure <id>', 'the best stills that a procedure kept, under the landmarks that it took them for')
    .option('--at <time>', 'with --procedure and --label: the picture of its recording at this moment, in s or h:mm:ss', moment)
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .addOption(noCacheOption())
    .option('--json', 'print the report as JSON', false)
    .action(add);
}

async function add(dir: string, paths: readonly string[], flags: AddFlags): Promise<void> {
  const { procedure, at, label } = flags;
  if (paths.length === 0 && procedure === undefined) {
    throw new UsageError('gallery-add', 'nothing to add was named', { remedy: 'Name folders or pictures, or --procedure ID.' });
  }
  const sources = await Promise.all(paths.map((path) => sourceOf(path, label)));
  const shown =
    procedure === undefined
      ? null
      : await procedureSource({ procedure, ...(at === undefined ? {} : { at }), ...(label === undefined ? {} : { label }) });
  const bar = progressBar();
  try {
    const report = await abortable((signal) =>
      addToGallery({
        dir,
        sources: shown === null ? sources : [...sources, shown.source],
        device: flags.device,
        ...cacheOf(flags),
        signal,
        onProgress: ({ stage, done, total }) => {
          bar.update({ label: stage, done, total });
        },
      }),
    );
    bar.end();
    if (flags.json) {
      console.log(JSON.stringify(report));
      return;
    }
    const lines = [
      ...listed(
        `${report.unreadable.length} unreadable`,
        report.unreadable.map(({ path, reason }) => `${path}: ${reason}`),
      ),
      ...listed(
        `${report.copies.length} there already, left out`,
        report.copies.map(({ path, of }) => `${path} = ${of}`),
      ),
      `${dir}: ${report.added} added, ${report.manifest.exemplars} exemplars of ${report.manifest.labels.length} classes now.`,
    ];
    console.log(lines.join('\n'));
  } finally {
    bar.end();
    await shown?.dispose();
  }
}

async function sourceOf(path: string, label: string | undefined): Promise<PictureSource> {
  const entry = await stat(path).catch((error: unknown) => {
    throw new UsageError('gallery-add', `${path}: no such file or folder`, { remedy: 'Check the path.', cause: error });
  });
  if (entry.isDirectory()) {
    const { pictures, unlabelled } = await listLabelledPictures(path);
    if (label === undefined) return { directory: path, pictures };
    return {
      directory: path,
      pictures: [...pictures.map((picture) => picture.path), ...unlabelled].map((inside) => ({ path: inside, label })),
    };
  }
  const directory = dirname(resolve(path));
  if (label === undefined) {
    throw new UsageError('gallery-add', `${path}: a single picture needs a label`, {
      remedy: `Say what it shows: --label ${basename(directory)}.`,
    });
  }
  return { directory, pictures: [{ path: basename(path), label }] };
}
