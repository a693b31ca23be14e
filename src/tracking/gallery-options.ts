import type { Gallery } from '../retrieval/gallery.js';
import { confidenceRatios } from '../retrieval/likelihood-ratio.js';
import type { Checklist } from './checklist.js';
import type { TrackerOptions } from './options.js';

/**
 * What the calibration gets right on stills and is to be taken for wrong on video, where most frames are worse pictures than anyone
 * would keep, and may come from another processor than the gallery's.
 */
const VIDEO = { falseRejection: 0.3, falseAcceptance: 0.15 } as const;

/**
 * What the tracker should know of a gallery and of what is examined: the labels, the tract, and how often the gallery errs about
 * `known`. A gallery without calibration takes everything for known, which then says nothing. A view that is refused is odd only as far as
 * being refused tells anything: where held and foreign pictures are equally near, it is as good a view as any.
 */
export function trackerOptionsFor(
  gallery: Pick<Gallery, 'labels' | 'manifest'>,
  checklist: Pick<Checklist, 'tract'> | null,
): TrackerOptions {
  const { chosen, curve, auroc, lossOf = {} } = gallery.manifest.calibration ?? {};
  return {
    labels: [...gallery.labels],
    tract: checklist?.tract ?? null,
    falseAcceptance: chosen === undefined ? 1 : raised(chosen.falseAcceptance, VIDEO.falseAcceptance),
    falseRejection: chosen === undefined ? 0 : raised(chosen.loss, VIDEO.falseRejection),
    oddShareOf: Object.fromEntries(
      Object.entries(lossOf).map(([label, loss]) => [label, raised(loss, VIDEO.falseRejection) * telling(auroc ?? 0.5)]),
    ),
    confidenceRatios: curve === undefined ? [] : confidenceRatios(curve),
  };
}

/** How much nearness tells of what is held and what is not: 0 by chance, 1 when it never errs (the Gini coefficient). */
function telling(auroc: number): number {
  return Math.max(0, 2 * auroc - 1);
}

function raised(rate: number, share: number): number {
  return rate + (1 - rate) * share;
}
