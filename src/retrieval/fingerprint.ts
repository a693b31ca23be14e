import { sha256Of } from '../common/sha256.js';
import type { GalleryManifest } from './manifest.js';

/**
 * SHA-256, hex, over everything that an answer of the gallery depends on: its model, its files, its vote and its calibration. Two galleries
 * with one fingerprint answer alike; names and the time of building do not count.
 */
export function galleryFingerprint({ model, preprocessing, labels, vote, calibration, index, files }: GalleryManifest): string {
  const sorted = Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1));
  return sha256Of(
    Buffer.from(
      JSON.stringify([
        model.fingerprint,
        preprocessing,
        labels,
        vote,
        calibration,
        index,
        sorted.map(([name, { sha256 }]) => [name, sha256]),
      ]),
    ),
  );
}
