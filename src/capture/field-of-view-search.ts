/** When a field of view is known, and when it has changed: judgement over several pictures, by presentation time, without a clock. */
import { fieldOfViewOf, scaleFieldOfView, type AccumulatedLuma } from './field-of-view.js';
import { geometryOf, type Geometry } from './geometry.js';
import type { FieldOfView } from './frame.js';

export interface GrayPicture {
  readonly ptsUs: number;
  readonly width: number;
  readonly height: number;
  /** Luminance, full range. */
  readonly data: Uint8Array;
}

export interface SearchPatience {
  /** Pictures with something lit that it takes, at least. */
  readonly pictures: number;
  /** Time that they must span, at least. */
  readonly spanUs: number;
}

/** A person waits for the first picture of a live source. */
export const LIVE_PATIENCE: SearchPatience = { pictures: 5, spanUs: 400_000 };
/** A file can be looked at further ahead, over scenes that show what the first ones leave dark. */
export const FILE_PATIENCE: SearchPatience = { pictures: 20, spanUs: 5_000_000 };

/** Detections that must agree before the search is over. */
const AGREEING = 3;

/**
 * Accumulates the second-brightest value of every pixel (the brightest would let a single flash or dissolve in) until the field of view
 * that it shows has come to rest. Only lit pictures count: the dark prolongs the search and never shrinks the result.
 */
export class FieldOfViewSearch {
  readonly #patience: SearchPatience;
  #brightest = new Uint8Array(0);
  #second = new Uint8Array(0);
  #width = 0;
  #height = 0;
  #seen = 0;
  #lit = 0;
  #firstLitUs = 0;
  #agreeing = 0;
  #disowned = 0;
  #last: FieldOfView | null = null;

  constructor(patience: SearchPatience) {
    this.#patience = patience;
  }

  /** Takes the next picture; the field of view (in pixels of these pictures) as soon as it is certain. */
  add(picture: GrayPicture): FieldOfView | null {
    if (this.#isOfAnotherGeometry(picture)) {
      // What two pictures in a row disown, belongs to the next search; one may be a dissolve.
      this.#disowned += 1;
      return this.#disowned > 1 ? this.#last : null;
    }
    this.#disowned = 0;
    this.#accumulate(picture);
    const now = this.best();
    if (now === null) return null;
    this.#lit += 1;
    if (this.#lit === 1) this.#firstLitUs = picture.ptsUs;
    this.#agreeing = this.#last !== null && sameGeometry(now, this.#last) ? this.#agreeing + 1 : 1;
    this.#last = now;
    const enough = this.#lit >= this.#patience.pictures && picture.ptsUs - this.#firstLitUs >= this.#patience.spanUs;
    return enough && this.#agreeing >= AGREEING ? now : null;
  }

  #isOfAnotherGeometry({ width, height, data }: GrayPicture): boolean {
    if (this.#last === null || this.#agreeing < AGREEING || width !== this.#width || height !== this.#height) return false;
    return geometryOf(this.#last).isReplacedBy({ width, height, pixels: data });
  }

  /** What the pictures so far show, certain or not; null when nothing is lit. */
  best(): FieldOfView | null {
    const pixels = this.#seen >= AGREEING ? this.#second : this.#brightest;
    if (this.#seen === 0) return null;
    return fieldOfViewOf({ width: this.#width, height: this.#height, pixels });
  }

  #accumulate({ width, height, data }: GrayPicture): void {
    if (width !== this.#width || height !== this.#height) {
      this.#width = width;
      this.#height = height;
      this.#brightest = new Uint8Array(width * height);
      this.#second = new Uint8Array(width * height);
      this.#seen = 0;
      this.#lit = 0;
    }
    this.#seen += 1;
    const brightest = this.#brightest;
    const second = this.#second;
    for (let i = 0; i < brightest.length; i += 1) {
      const value = data[i] ?? 0;
      const most = brightest[i] ?? 0;
      if (value > most) {
        second[i] = most;
        brightest[i] = value;
      } else if (value > (second[i] ?? 0)) {
        second[i] = value;
      }
    }
  }
}

/** Whether two detections show one geometry, within what noise moves them. */
export function sameGeometry(a: FieldOfView, b: FieldOfView): boolean {
  if (a.sourceWidth !== b.sourceWidth || a.sourceHeight !== b.sourceHeight) return false;
  const tolerance = Math.max(3, 0.012 * a.sourceWidth);
  return (
    Math.abs(a.x - b.x) <= tolerance &&
    Math.abs(a.y - b.y) <= tolerance &&
    Math.abs(a.x + a.width - b.x - b.width) <= tolerance &&
    Math.abs(a.y + a.height - b.y - b.height) <= tolerance
  );
}

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
