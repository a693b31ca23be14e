import { InvalidArgumentError, Option, type Command } from 'commander';
import { lumenmarkHome } from '../common/home.js';
import { classInfo, type ClassKind } from '../common/landmarks.js';
import { duration, progressBar } from '../common/progress.js';
import { DEVICES, type Device } from '../inference/device.js';
import { openModel } from '../models/registry.js';
import { buildGallery, type GalleryReport } from '../retrieval/build-gallery.js';
import type { IndexChoice } from '../retrieval/gallery.js';
import { readManifest, type GalleryManifest } from '../retrieval/manifest.js';
import { verifyGallery } from '../retrieval/verify-gallery.js';
import { cacheOf, noCacheOption } from './cache.js';
import { abortable } from './interrupt.js';
import { percent, tableLines } from './table.js';

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

/** Lists longer than this are cut in text output; `--json` has all. */
const LIST_LIMIT = 12;
const KINDS: readonly ClassKind[] = ['landmark', 'quality', 'finding', 'intervention'];

/** `lumenmark gallery`: galleries from a folder per label. */
export function register(program: Command): void {
  const gallery = program.command('gallery').description('labelled pictures to match with');

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
    .option('--min-exemplars <n>', 'leave out labels with fewer pictures', wholeNumber, 1)
    .option('--keep-labels', 'keep folder names as labels, instead of mapping those of public data sets to canonical ids', false)
    .addOption(
      new Option('--index <index>', 'how to search: auto takes HNSW from 20,000 exemplars on')
        .choices(['auto', 'exact', 'hnsw'])
        .default('auto'),
    )
    .option('--false-acceptance <share>', 'share of pictures of no class in the gallery that may be taken for known', share, 0.2)
    .option('-k, --k <n>', 'neighbours of a match (default: 31)', wholeNumber)
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .option('--threads <n>', 'threads of inference on the CPU', wholeNumber)
    .addOption(noCacheOption())
    .option('--json', 'print the report as JSON', false)
    .action(build);

  gallery
    .command('info')
    .description('what a gallery holds and how it was calibrated')
    .argument('<gallery>')
    .option('--json', 'print the manifest', false)
    .action(async (dir: string, flags: { readonly json: boolean }) => {
      const manifest = await readManifest(dir);
      console.log(flags.json ? JSON.stringify(manifest) : infoLines(manifest).join('\n'));
    });

  gallery
    .command('verify')
    .description('check every file of a gallery, its model and its index')
    .argument('<gallery>')
    .option('--json', 'print the checks as JSON', false)
    .action(async (dir: string, flags: { readonly json: boolean }) => {
      const checks = await verifyGallery(dir);
      if (flags.json) console.log(JSON.stringify(checks));
      else for (const { name, ok, detail } of checks) console.log(`${ok ? 'ok    ' : 'FAILED'}  ${name}: ${detail}`);
      if (checks.some(({ ok }) => !ok)) process.exitCode = 1;
    });
}

async function build(directory: string, flags: BuildFlags): Promise<void> {
  const bar = progressBar();
  try {
    const report = await abortable(async (signal) =>
      buildGallery({
        directory,
        out: flags.out,
        model: await openModel(flags.model, { home: lumenmarkHome() }),
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

function reportLines(report: GalleryReport): string[] {
  const { manifest } = report;
  const contradictions = report.nearDuplicates.filter(({ labels }) => labels.length > 1);
  const duplicates = report.nearDuplicates.filter(({ labels }) => labels.length === 1);
  return [
    ...contradictions.flatMap(({ paths, labels }, at) => [
      ...(at === 0
        ? [`WARNING: ${contradictions.length} times the same picture stands under different labels; one of them is wrong:`]
        : []),
      `  ${labels.join(' / ')}: ${paths.join(', ')}`,
    ]),
    ...infoLines(manifest),
    '',
    ...listed(
      `${report.unreadable.length} unreadable`,
      report.unreadable.map(({ path, reason }) => `${path}: ${reason}`),
    ),
    ...listed(`${report.unlabelled.length} in no class folder, left out`, report.unlabelled),
    ...listed(
      `${report.copies.length} copies of the same file, left out`,
      report.copies.map(({ path, of }) => `${path} = ${of}`),
    ),
    ...listed(
      `${duplicates.length} groups of near-duplicates, kept`,
      duplicates.map(({ paths }) => paths.join(', ')),
    ),
    ...listed(`${report.unknownLabels.length} labels not in the table of known classes, kept as they are`, report.unknownLabels),
    `${report.out}: ${manifest.exemplars} exemplars in ${duration(report.elapsedMs)}${report.cached === 0 ? '' : `, ${report.cached} embeddings from the cache`}.`,
  ];
}

function infoLines(manifest: GalleryManifest): string[] {
  const { calibration, model, index } = manifest;
  return [
    `${manifest.name}: ${manifest.exemplars} exemplars, ${model.name} (${model.fingerprint.slice(0, 12)}, ${model.dimension} dimensions), built ${manifest.builtAt} by ${manifest.software}`,
    '',
    ...tableLines(
      ['exemplars', 'label', 'kind', 'name'],
      [...manifest.labels]
        .sort((a, b) => b.exemplars - a.exemplars)
        .map(({ id, exemplars }) => [exemplars, id, classInfo(id).kind, classInfo(id).name]),
    ),
    '',
    `vote: ${manifest.vote.k} nearest, temperature ${manifest.vote.temperature}, prior exponent ${manifest.vote.priorExponent}`,
    calibration === null
      ? 'known: not calibrated, too few exemplars; every picture counts as known'
      : `known: false acceptance ${percent(calibration.chosen.falseAcceptance)} of ${calibration.unknownQueries} queries of left-out classes, ` +
        `loss ${percent(calibration.chosen.loss)} of ${calibration.knownQueries} queries of held classes, ` +
        `${percent(calibration.chosen.precision)} of those accepted with the right label (${calibration.method}; AUROC ${calibration.auroc.toFixed(3)})`,
    index === null
      ? 'index: none, exact search'
      : `index: HNSW, recall@${index.k} ${index.recall.toFixed(4)} against exact search (${index.queries} queries)`,
  ];
}

function listed(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  const more = lines.length > LIST_LIMIT ? [`  … and ${lines.length - LIST_LIMIT} more (--json lists all)`] : [];
  return [`${title}:`, ...lines.slice(0, LIST_LIMIT).map((line) => `  ${line}`), ...more];
}

function list(text: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('It takes a list with commas between.');
  return items;
}

function kinds(text: string): ClassKind[] {
  return list(text).map((item) => {
    const kind = KINDS.find((name) => name === item);
    if (kind === undefined) throw new InvalidArgumentError(`It takes a list of ${KINDS.join(', ')}.`);
    return kind;
  });
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It takes a whole number from 1 on.');
  return value;
}

function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('It takes a number between 0 and 1.');
  return value;
}
