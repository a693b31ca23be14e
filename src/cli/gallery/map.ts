import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { commandLine } from '../terminal/command-line.js';
import { progressBar } from '../../common/progress.js';
import { galleryPage } from '../../retrieval/gallery-page.js';
import { openGallery } from '../../retrieval/gallery.js';
import { mapGallery } from '../../retrieval/umap.js';
import { abortable } from '../terminal/interrupt.js';
import { diagnose } from './info.js';
import { count } from '../flags/values.js';

interface MapFlags {
  readonly out: string;
  readonly maxExemplars: number;
  readonly seed: number;
  readonly json: boolean;
}

export function registerMap(gallery: Command): void {
  gallery
    .command('map')
    .description('a page with a map of the gallery (UMAP), its classes, and the pictures that may carry a wrong label')
    .argument('<gallery>')
    .requiredOption('-o, --out <file>', 'page to write (.html)')
    .option('--max-exemplars <n>', 'most exemplars on the map', count, 4000)
    .option('--seed <n>', 'of the layout', count, 1)
    .option('--json', 'print the places as JSON', false)
    .action(drawMap);
}

async function drawMap(dir: string, flags: MapFlags): Promise<void> {
  const gallery = await openGallery(dir);
  const diagnosis = await diagnose(gallery);
  const bar = progressBar();
  const map = await abortable((signal) =>
    mapGallery(gallery, {
      maxExemplars: flags.maxExemplars,
      always: diagnosis.suspects.map(({ exemplar }) => exemplar),
      seed: flags.seed,
      signal,
      onProgress: (share) => {
        bar.update({ label: 'laying out', done: Math.round(share * 100), total: 100 });
      },
    }),
  ).finally(() => {
    bar.end();
  });
  await writeFile(flags.out, await galleryPage(gallery, { diagnosis, map, provenance: { command: commandLine() } }));
  if (flags.json) console.log(JSON.stringify({ map, diagnosis }));
  else console.log(`${flags.out}: ${map.length} exemplars, ${diagnosis.suspects.length} labels to look at.`);
}
