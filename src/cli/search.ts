import { InvalidArgumentError, Option, type Command } from 'commander';
import { GalleryError } from '../common/errors.js';
import { classInfo } from '../common/landmarks.js';
import { progressBar } from '../common/progress.js';
import { DEVICES, type Device } from '../inference/device.js';
import { createEmbedder } from '../inference/worker-embedder.js';
import { openGallery, type Gallery, type IndexChoice } from '../retrieval/gallery.js';
import { searchStills, type StillMatch } from '../retrieval/search-stills.js';
import { cacheOf, noCacheOption } from './cache.js';
import { abortable } from './interrupt.js';
import { percent, tableLines } from './table.js';

interface SearchFlags {
  readonly gallery: string;
  readonly k?: number;
  readonly label?: string;
  readonly fieldOfView?: string;
  readonly index: IndexChoice;
  readonly device: Device;
  readonly cache: boolean;
  readonly json: boolean;
}

/** Neighbours in text output, unless `-k` asks for more. */
const SHOWN = 10;
const SCORES_SHOWN = 5;

/** `lumenmark search`: the most similar exemplars of a gallery. */
export function register(program: Command): void {
  program
    .command('search')
    .description('the exemplars of a gallery that are most similar to pictures')
    .argument('<image...>', 'pictures: jpg, png, tif, webp, bmp')
    .requiredOption('-g, --gallery <folder>', 'gallery to search')
    .option('-k, --k <n>', 'neighbours (default: what the gallery was calibrated with, of which 10 are shown)', wholeNumber)
    .option('--label <label>', 'show only neighbours of this label')
    .option('--field-of-view <how>', 'auto, none or WxH+X+Y (default: as the gallery was built)')
    .addOption(new Option('--index <index>', 'how to search').choices(['auto', 'exact', 'hnsw']).default('auto'))
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .addOption(noCacheOption())
    .option('--json', 'print one JSON object per picture', false)
    .action(search);
}

async function search(images: string[], flags: SearchFlags): Promise<void> {
  const gallery = await openGallery(flags.gallery, { index: flags.index });
  if (flags.label !== undefined && !gallery.labels.includes(flags.label)) {
    throw new GalleryError('gallery-labels', `${flags.gallery}: has no exemplar of ${flags.label}`, {
      remedy: `It has ${gallery.labels.join(', ')}.`,
    });
  }
  const bar = progressBar();
  let done = 0;
  let failed = 0;
  await abortable(async (signal) => {
    const embedder = await createEmbedder(gallery.model, { device: flags.device, signal });
    try {
      const found = searchStills(gallery, embedder, images, {
        ...(flags.k === undefined ? {} : { k: flags.k }),
        ...(flags.fieldOfView === undefined ? {} : { fieldOfView: flags.fieldOfView }),
        ...cacheOf(flags),
        signal,
      });
      for await (const result of found) {
        bar.end();
        if ('reason' in result) {
          failed += 1;
          if (flags.json) console.log(JSON.stringify({ path: result.path, error: result.reason }));
          else console.error(`${result.path}: ${result.reason}`);
        } else {
          console.log(flags.json ? JSON.stringify(jsonOf(result, gallery, flags)) : textOf(result, gallery, flags).join('\n'));
        }
        bar.update({ label: 'searching', done: ++done, total: images.length });
      }
    } finally {
      bar.end();
      await embedder.dispose();
    }
  });
  if (failed > 0) process.exitCode = 1;
}

function jsonOf({ path, sha256, match }: StillMatch, gallery: Gallery, flags: SearchFlags): object {
  return {
    path,
    sha256,
    gallery: gallery.name,
    known: match.known,
    confidence: match.confidence,
    threshold: gallery.manifest.calibration?.chosen.threshold ?? null,
    scores: match.scores,
    neighbours: match.neighbours
      .filter(({ label }) => flags.label === undefined || label === flags.label)
      .map((neighbour) => ({ ...neighbour, path: gallery.exemplars[neighbour.exemplar]?.path ?? null })),
  };
}

function textOf({ path, match }: StillMatch, gallery: Gallery, flags: SearchFlags): string[] {
  const [best] = match.scores;
  const threshold = gallery.manifest.calibration?.chosen.threshold;
  const answer = best === undefined ? 'no exemplar' : `${classInfo(best.label).name} (${best.label}) ${percent(best.score)} of the vote`;
  const confidence = threshold === undefined ? '' : `; confidence ${match.confidence.toFixed(3)}, threshold ${threshold.toFixed(3)}`;
  const rivals = match.scores.slice(1, SCORES_SHOWN).map(({ label, score }) => `${label} ${percent(score)}`);
  const neighbours = match.neighbours.map((neighbour, at) => ({ ...neighbour, rank: at + 1 }));
  const shown = neighbours.filter(({ label }) => flags.label === undefined || label === flags.label).slice(0, flags.k ?? SHOWN);
  return [
    `${path}: ${match.known ? answer : `unknown; the nearest would be ${answer}`}${confidence}`,
    ...(rivals.length === 0 ? [] : [`  then ${rivals.join(', ')}`]),
    ...tableLines(
      ['rank', 'similarity', 'label', 'picture'],
      shown.map(({ rank, similarity, label, exemplar }) => [rank, similarity.toFixed(4), label, gallery.exemplars[exemplar]?.path ?? '']),
    ).map((line) => `  ${line}`),
    '',
  ];
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It takes a whole number from 1 on.');
  return value;
}
