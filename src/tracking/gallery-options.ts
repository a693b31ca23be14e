import type { Gallery } from '../retrieval/gallery.js';
import { confidenceRatios } from '../retrieval/likelihood-ratio.js';
import type { Checklist } from './checklist.js';
import type { TrackerOptions } from './options.js';

/**
 * What the calibration gets right on stills and is to be taken for wrong on video, where most frames are worse pictures than anyone
 * would keep: measured on simulated patients, of whose video frames up to half were refused at a loss of 2 to 27 % on stills.
 */
const VIDEO = { falseRejection: 0.3, falseAcceptance: 0.15 } as const;

/**
 * What the tracker should know of a gallery and of what is examined: the labels, the tract, and how often the gallery errs about
 * `known`. A gallery without calibration takes everything for known, which then says nothing.
 */
export function trackerOptionsFor(
  gallery: Pick<Gallery, 'labels' | 'manifest'>,
  checklist: Pick<Checklist, 'tract'> | null,
): TrackerOptions {
  const { chosen, curve } = gallery.manifest.calibration ?? {};
  return {
    labels: [...gallery.labels],
    tract: checklist?.tract ?? null,
    falseAcceptance: chosen === undefined ? 1 : raised(chosen.falseAcceptance, VIDEO.falseAcceptance),
    falseRejection: chosen === undefined ? 0 : raised(chosen.loss, VIDEO.falseRejection),
    confidenceRatios: curve === undefined ? [] : confidenceRatios(curve),
  };
}

function raised(rate: number, share: number): number {
  return rate + (1 - rate) * share;
}
