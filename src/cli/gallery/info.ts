import type { Command } from 'commander';
import { GalleryError, ModelError } from '../../common/errors.js';
import { progressBar } from '../../common/progress.js';
import { diagnoseGallery, type GalleryDiagnosis } from '../../retrieval/diagnose.js';
import { openGallery, type Gallery } from '../../retrieval/gallery.js';
import { readManifest } from '../../retrieval/manifest.js';
import { abortable } from '../terminal/interrupt.js';
import { percent, tableLines } from '../terminal/table.js';
import { listed } from '../terminal/listed.js';
import { manifestLines } from './manifest-lines.js';

export function registerInfo(gallery: Command): void {
  gallery
    .command('info')
    .description('what a gallery holds, how it was calibrated, which classes it confuses, and which labels may be wrong')
    .argument('<gallery>')
    .option('--json', 'print manifest and diagnosis as JSON', false)
    .action(info);
}

async function info(dir: string, flags: { readonly json: boolean }): Promise<void> {
  const manifest = await readManifest(dir);
  const opened = await openForDiagnosis(dir);
  const diagnosis = 'reason' in opened ? null : await diagnose(opened);
  if (flags.json) {
    console.log(JSON.stringify({ manifest, diagnosis }));
    return;
  }
  console.log(manifestLines(manifest).join('\n'));
  if ('reason' in opened) console.log(`classes and labels were not examined: ${opened.reason}`);
  else if (diagnosis !== null) console.log(['', ...diagnosisLines(opened, diagnosis)].join('\n'));
}

/** The manifest can be read where the model is not installed. */
async function openForDiagnosis(dir: string): Promise<Gallery | { readonly reason: string }> {
  try {
    return await openGallery(dir);
  } catch (error) {
    if (error instanceof ModelError || (error instanceof GalleryError && error.code === 'gallery-model')) return { reason: error.message };
    throw error;
  }
}

/** With a progress bar. */
export async function diagnose(gallery: Gallery): Promise<GalleryDiagnosis> {
  const bar = progressBar();
  try {
    return await abortable((signal) =>
      diagnoseGallery(gallery, {
        signal,
        onProgress: (done, total) => {
          bar.update({ label: 'examining', done, total });
        },
      }),
    );
  } finally {
    bar.end();
  }
}

function diagnosisLines(gallery: Gallery, { fitted, classes, suspects, contradictions }: GalleryDiagnosis): string[] {
  const pathOf = (exemplar: number): string => gallery.exemplars[exemplar]?.path ?? '';
  return [
    ...tableLines(
      ['label', 'cohesion', 'agreement', 'nearest rival'],
      classes.map(({ label, cohesion, agreement, rival }) => [
        label,
        cohesion === null ? '–' : cohesion.toFixed(3),
        agreement === null ? '–' : percent(agreement),
        rival === null ? '–' : `${rival.label} (${percent(rival.share)})`,
      ]),
    ),
    'cohesion: mean similarity of an exemplar to the nearest other one of its class; agreement: how often the nearest of all is of that class',
    ...(fitted
      ? ['Both are better than for pictures to come: the model was fitted to these labels. What to expect: lumenmark evaluate']
      : []),
    '',
    ...listed(
      `${suspects.length} labels to look at (most of the ten nearest exemplars agree on another one)`,
      suspects.map(({ exemplar, label, likelier }) => `${pathOf(exemplar)}: ${label}, rather ${likelier}`),
    ),
    ...listed(
      `${contradictions.length} times the same picture stands under different labels`,
      contradictions.map(({ exemplars, labels }) => `${labels.join(' / ')}: ${exemplars.map(pathOf).join(', ')}`),
    ),
    ...(suspects.length + contradictions.length > 0 ? ['Look at them: lumenmark gallery map GALLERY --out map.html'] : []),
  ];
}
