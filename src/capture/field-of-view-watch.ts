/** Whether a known field of view still holds: judgement over several pictures, by presentation time, without a clock. */
import { FieldOfViewSearch, LIVE_PATIENCE, type GrayPicture } from './field-of-view-search.js';
import { scaleFieldOfView } from './field-of-view.js';
import type { FieldOfView } from './frame.js';
import { geometryOf, type Geometry } from './geometry.js';
import type { AccumulatedLuma } from './lit-outline.js';

export type WatchVerdict =
  | { readonly type: 'steady' }
  /** Pictures from `sinceUs` on must be held back. */
  | { readonly type: 'suspected'; readonly sinceUs: number }
  /** The geometry changed with the picture at `sinceUs`; `fieldOfView` is in pixels of the gray pictures. */
  | { readonly type: 'changed'; readonly sinceUs: number; readonly fieldOfView: FieldOfView };

export interface WatchOptions {
  /** Pictures between two thorough looks while nothing is suspected. Default 60. */
  readonly everyPictures?: number;
  /** How long a change must last to be believed. Default 350000. */
  readonly certainAfterUs?: number;
  /** Pictures that must show it, at least. Default 5. */
  readonly certainAfterPictures?: number;
}

/**
 * Watches a known field of view. Every picture gets a glance (how much is lit outside and inside the outline); an unusual glance, and now
 * and then any picture, a thorough look. A change must last before it is believed, and a dark scene is none.
 */
export class FieldOfViewWatch {
  readonly #geometry: Geometry;
  /** The same in pictures of half the size: the look is all that is ever slow here. */
  readonly #halfGeometry: Geometry;
  readonly #every: number;
  readonly #certainAfterUs: number;
  readonly #certainAfterPictures: number;
  #sinceLook: number;
  #usualOutside: number | null = null;
  #dismissed: { readonly outside: number; readonly inside: number } | null = null;
  #suspicion: { readonly sinceUs: number; readonly search: FieldOfViewSearch; pictures: number } | null = null;

  /** @param fieldOfView In pixels of the gray pictures that will come. */
  constructor(fieldOfView: FieldOfView, options: WatchOptions = {}) {
    this.#geometry = geometryOf(fieldOfView);
    const { sourceWidth, sourceHeight } = fieldOfView;
    this.#halfGeometry = geometryOf(scaleFieldOfView(fieldOfView, sourceWidth >> 1, sourceHeight >> 1));
    this.#every = options.everyPictures ?? 60;
    // The first picture must not set the standard unseen.
    this.#sinceLook = this.#every;
    this.#certainAfterUs = options.certainAfterUs ?? 350_000;
    this.#certainAfterPictures = options.certainAfterPictures ?? 5;
  }

  add(picture: GrayPicture): WatchVerdict {
    if (!this.#looksChanged(picture)) {
      this.#suspicion = null;
      return { type: 'steady' };
    }
    this.#suspicion ??= { sinceUs: picture.ptsUs, search: new FieldOfViewSearch(LIVE_PATIENCE), pictures: 0 };
    const suspicion = this.#suspicion;
    suspicion.pictures += 1;
    suspicion.search.add(picture);
    const certain = picture.ptsUs - suspicion.sinceUs >= this.#certainAfterUs && suspicion.pictures >= this.#certainAfterPictures;
    const seen = certain ? suspicion.search.best() : null;
    if (seen === null) return { type: 'suspected', sinceUs: suspicion.sinceUs };
    const { width, height, data } = picture;
    const fieldOfView = this.#geometry.succeededBy(seen, { width, height, pixels: data });
    return { type: 'changed', sinceUs: suspicion.sinceUs, fieldOfView };
  }

  #looksChanged(picture: GrayPicture): boolean {
    const { outside, inside } = this.#geometry.glance(picture.data);
    this.#usualOutside ??= outside;
    this.#sinceLook += 1;
    const unusual = outside > this.#usualOutside + 0.01 || inside < 0.8;
    const settled =
      this.#dismissed !== null && Math.abs(this.#dismissed.outside - outside) < 0.005 && Math.abs(this.#dismissed.inside - inside) < 0.05;
    if (this.#suspicion === null && this.#sinceLook < this.#every && (!unusual || settled)) return false;
    this.#sinceLook = 0;
    const changed = this.#halfGeometry.isLeftBy(halved(picture));
    // The same unusual look again, such as a dark scene or a second picture beside the first, costs no second thorough one.
    this.#dismissed = changed ? null : { outside, inside };
    return changed;
  }
}

function halved({ width, height, data }: GrayPicture): AccumulatedLuma {
  const halfWidth = width >> 1;
  const halfHeight = height >> 1;
  const pixels = new Uint8Array(halfWidth * halfHeight);
  for (let y = 0; y < halfHeight; y += 1) {
    for (let x = 0; x < halfWidth; x += 1) {
      const at = 2 * y * width + 2 * x;
      pixels[y * halfWidth + x] = ((data[at] ?? 0) + (data[at + 1] ?? 0) + (data[at + width] ?? 0) + (data[at + width + 1] ?? 0)) >> 2;
    }
  }
  return { width: halfWidth, height: halfHeight, pixels };
}
