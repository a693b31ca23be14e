import type { Gallery } from '../retrieval/gallery.js';
import type { Checklist } from './checklist.js';
import type { TrackerOptions } from './options.js';

/**
 * What the tracker should know of a gallery and of what is examined: the labels, the tract, and how often the gallery errs about
 * `known`. A gallery without calibration takes everything for known, which then says nothing.
 */
export function trackerOptionsFor(
  gallery: Pick<Gallery, 'labels' | 'manifest'>,
  checklist: Pick<Checklist, 'tract'> | null,
): TrackerOptions {
  const chosen = gallery.manifest.calibration?.chosen;
  return {
    labels: [...gallery.labels],
    tract: checklist?.tract ?? null,
    falseAcceptance: chosen?.falseAcceptance ?? 1,
    falseRejection: chosen?.loss ?? 0,
  };
}
