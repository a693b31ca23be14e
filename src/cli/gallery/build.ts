import { Option, type Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import type { ClassKind } from '../../common/landmarks.js';
import { progressBar } from '../../common/progress.js';
import { DEVICES, type Device } from '../../inference/device.js';
import { openModel } from '../../models/registry.js';
import { buildGallery } from '../../retrieval/build-gallery.js';
import type { IndexChoice } from '../../retrieval/gallery.js';
import { cacheOf, noCacheOption, withCachedFits } from '../flags/cache.js';
import { abortable } from '../terminal/interrupt.js';
import { count, KINDS, kinds, list, share } from '../flags/values.js';
import { reportLines } from './report-lines.js';

interface BuildFlags {
  readonly out: string;
  readonly model: string;
  readonly name?: string;
  readonly fieldOfView: string;
  readonly labels?: string[];
  readonly kinds?: ClassKind[];
  readonly minExemplars: number;
  readonly keepLabels: boolean;
  readonly index: IndexChoice;
  readonly falseAcceptance: number;
  readonly k?: number;
  readonly device: Device;
  readonly threads?: number;
  readonly cache: boolean;
  readonly json: boolean;
}

export function registerBuild(gallery: Command): void {
  gallery
    .command('build')
    .description('build a gallery from a folder of pictures, a folder per label at any depth')
    .argument('<dir>', 'folder of pictures: jpg, png, tif, webp, bmp')
    .requiredOption('-o, --out <gallery>', 'folder to write; a gallery that is there is replaced')
    .option('-m, --model <name>', 'model to embed with', 'descriptors')
    .option('--name <name>', 'name of the gallery (default: that of its folder)')
    .option('--field-of-view <how>', 'auto, none or WxH+X+Y in pixels of the pictures', 'auto')
    .option('--labels <list>', 'only these labels, with commas between', list)
    .option('--kinds <list>', `only labels of these kinds: ${KINDS.join(', ')}`, kinds)
    .option('--min-exemplars <n>', 'leave out labels with fewer pictures', count, 1)
    .option('--keep-labels', 'keep folder names as labels, instead of mapping those of public data sets to canonical ids', false)
    .addOption(
      new Option('--index <index>', 'how to search: auto takes HNSW from 20,000 exemplars on')
        .choices(['auto', 'exact', 'hnsw'])
        .default('auto'),
    )
    .option('--false-acceptance <share>', 'share of pictures of no class in the gallery that may be taken for known', share, 0.2)
    .option('-k, --k <n>', 'neighbours of a match (default: 31)', count)
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .option('--threads <n>', 'threads of inference on the CPU', count)
    .addOption(noCacheOption())
    .option('--json', 'print the report as JSON', false)
    .action(build);
}

async function build(directory: string, flags: BuildFlags): Promise<void> {
  const model = withCachedFits(await openModel(flags.model, { home: lumenmarkHome() }), flags);
  if ('notice' in model) console.error(`${model.name}: ${model.notice}`);
  const bar = progressBar();
  try {
    const report = await abortable(async (signal) =>
      buildGallery({
        directory,
        out: flags.out,
        model,
        ...(flags.name === undefined ? {} : { name: flags.name }),
        fieldOfView: flags.fieldOfView,
        ...(flags.labels === undefined ? {} : { labels: flags.labels }),
        ...(flags.kinds === undefined ? {} : { kinds: flags.kinds }),
        minExemplars: flags.minExemplars,
        keepLabels: flags.keepLabels,
        index: flags.index,
        falseAcceptance: flags.falseAcceptance,
        ...(flags.k === undefined ? {} : { k: flags.k }),
        device: flags.device,
        ...cacheOf(flags),
        ...(flags.threads === undefined ? {} : { threads: flags.threads }),
        signal,
        onProgress: ({ stage, done, total }) => {
          bar.update({ label: stage, done, total });
        },
      }),
    );
    bar.end();
    console.log(flags.json ? JSON.stringify(report) : reportLines(report).join('\n'));
  } finally {
    bar.end();
  }
}
