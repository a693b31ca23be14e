import { writeFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { GalleryError } from '../common/errors.js';
import { progressBar } from '../common/progress.js';
import { DEVICES, type Device } from '../inference/device.js';
import { createEmbedder } from '../inference/worker-embedder.js';
import { openGallery, type Gallery, type IndexChoice } from '../retrieval/gallery.js';
import type { Neighbour } from '../retrieval/match.js';
import { answerOf, searchPage, type SearchedPicture } from '../retrieval/search-page.js';
import { shownNeighbours } from '../retrieval/search-picture.js';
import { searchStills, type StillMatch } from '../retrieval/search-stills.js';
import { cacheOf, noCacheOption } from './flags/cache.js';
import { commandLine } from './terminal/command-line.js';
import { count } from './flags/values.js';
import { abortable } from './terminal/interrupt.js';
import { tableLines } from './terminal/table.js';

interface SearchFlags {
  readonly gallery: string;
  readonly k?: number;
  readonly label?: string;
  readonly html?: string;
  readonly fieldOfView?: string;
  readonly index: IndexChoice;
  readonly device: Device;
  readonly cache: boolean;
  readonly json: boolean;
}

/** Neighbours in text output, unless `-k` asks for more. */
const SHOWN = 10;

/** `lumenmark search`: the most similar exemplars of a gallery. */
export function register(program: Command): void {
  program
    .command('search')
    .description('the exemplars of a gallery that are most similar to pictures')
    .argument('<image...>', 'pictures: jpg, png, tif, webp, bmp')
    .requiredOption('-g, --gallery <folder>', 'gallery to search')
    .option(
      '-k, --k <n>',
      'neighbours to show; the vote is always of as many as the gallery was calibrated with (default: those, of which text shows 10)',
      count,
    )
    .option('--label <label>', 'show only exemplars of this label, however far down the ranking they stand')
    .option('--html <file>', 'also write a contact sheet: each picture beside its most similar exemplars')
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
  const sheet: SearchedPicture[] = [];
  await abortable(async (signal) => {
    const embedder = await createEmbedder(gallery.model, { device: flags.device, signal });
    try {
      const found = searchStills(gallery, embedder, images, {
        ...(flags.fieldOfView === undefined ? {} : { fieldOfView: flags.fieldOfView }),
        thumbnail: flags.html !== undefined,
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
          const { label, k = gallery.manifest.vote.k } = flags;
          const shown = { k, ...(label === undefined ? {} : { label }) };
          const neighbours = shownNeighbours(gallery, result.embedding, result.match, shown);
          console.log(
            flags.json ? JSON.stringify(jsonOf(result, neighbours, gallery)) : textOf(result, neighbours, gallery, flags).join('\n'),
          );
          if (flags.html !== undefined) sheet.push({ ...result, neighbours });
        }
        bar.update({ label: 'searching', done: ++done, total: images.length });
      }
    } finally {
      bar.end();
      await embedder.dispose();
    }
  });
  if (flags.html !== undefined) {
    await writeFile(flags.html, await searchPage(gallery, sheet, { command: commandLine() }));
    if (!flags.json) console.log(`${flags.html}: ${sheet.length} pictures.`);
  }
  if (failed > 0) process.exitCode = 1;
}

function jsonOf({ path, sha256, match }: StillMatch, neighbours: readonly Neighbour[], gallery: Gallery): object {
  return {
    path,
    sha256,
    gallery: gallery.name,
    known: match.known,
    confidence: match.confidence,
    threshold: gallery.manifest.calibration?.chosen.threshold ?? null,
    scores: match.scores,
    neighbours: neighbours.map((neighbour) => ({ ...neighbour, path: gallery.exemplars[neighbour.exemplar]?.path ?? null })),
  };
}

function textOf({ path, match }: StillMatch, neighbours: readonly Neighbour[], gallery: Gallery, flags: SearchFlags): string[] {
  const threshold = gallery.manifest.calibration?.chosen.threshold;
  const confidence = threshold === undefined ? '' : ` Confidence ${match.confidence.toFixed(3)}, threshold ${threshold.toFixed(3)}.`;
  return [
    `${path}: ${answerOf(match)}${confidence}`,
    ...tableLines(
      ['rank', 'similarity', 'label', 'picture'],
      neighbours
        .slice(0, flags.k ?? SHOWN)
        .map(({ similarity, label, exemplar }, at) => [at + 1, similarity.toFixed(4), label, gallery.exemplars[exemplar]?.path ?? '']),
    ).map((line) => `  ${line}`),
    '',
  ];
}
