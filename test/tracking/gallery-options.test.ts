import { describe, expect, it } from 'vitest';
import type { GalleryManifest } from '../../src/retrieval/manifest.js';
import { trackerOptionsFor } from '../../src/tracking/gallery-options.js';
import { createTracker } from '../../src/tracking/tracker.js';

type Calibration = GalleryManifest['calibration'];

function galleryOf(
  calibration: { falseAcceptance: number; loss: number } | null,
  more: { auroc?: number; lossOf?: Record<string, number> } = {},
): Parameters<typeof trackerOptionsFor>[0] {
  const curve = [
    { threshold: 0, falseAcceptance: 1, loss: 0, precision: 1 },
    { threshold: 0.4, falseAcceptance: 0.1, loss: 0.2, precision: 1 },
    { threshold: 1, falseAcceptance: 0, loss: 1, precision: 1 },
  ];
  const chosen =
    calibration === null ? null : ({ chosen: { threshold: 0.4, precision: 1, ...calibration }, curve, ...more } as unknown as Calibration);
  return { labels: ['antrum', 'cecum', 'polyps'], manifest: { calibration: chosen } as GalleryManifest };
}

describe('trackerOptionsFor', () => {
  it('takes labels, the tract of the checklist, and rates that are a little worse than on stills', () => {
    const options = trackerOptionsFor(galleryOf({ falseAcceptance: 0.1, loss: 0.2 }), { tract: 'upper' });
    expect(options).toMatchObject({ labels: ['antrum', 'cecum', 'polyps'], tract: 'upper' });
    expect(options.falseAcceptance).toBeCloseTo(0.235);
    expect(options.falseRejection).toBeCloseTo(0.44);
    expect(options.confidenceRatios!.map(({ confidence }) => confidence)).toEqual([0.2, 0.7]);
    expect(options.oddShareOf).toEqual({});
    expect(createTracker(options).landmarks).toEqual(['antrum']);
  });

  it('takes for odd what of each class is refused, as far as that tells anything', () => {
    const rates = { falseAcceptance: 0.1, loss: 0.2 };
    const oddShares = (auroc: number): Readonly<Record<string, number>> =>
      trackerOptionsFor(galleryOf(rates, { auroc, lossOf: { antrum: 0, cecum: 0.6 } }), null).oddShareOf ?? {};
    expect(oddShares(1)['antrum']).toBeCloseTo(0.3);
    expect(oddShares(1)['cecum']).toBeCloseTo(0.72);
    expect(oddShares(0.75)['cecum']).toBeCloseTo(0.36);
    expect(oddShares(0.45)).toEqual({ antrum: 0, cecum: 0 });
  });

  it('lets known say nothing where the gallery was not calibrated', () => {
    expect(trackerOptionsFor(galleryOf(null), null)).toMatchObject({
      tract: null,
      falseAcceptance: 1,
      falseRejection: 0,
      confidenceRatios: [],
    });
  });
});
