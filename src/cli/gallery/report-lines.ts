import { duration } from '../../common/progress.js';
import type { GalleryReport } from '../../retrieval/build-gallery.js';
import { listed } from '../terminal/listed.js';
import { manifestLines } from './manifest-lines.js';

/** What was built of which pictures, and what was left out, for the terminal. */
export function reportLines(report: GalleryReport): string[] {
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
    ...manifestLines(manifest),
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
