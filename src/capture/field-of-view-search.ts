/** When a field of view is known: judgement over several pictures, by presentation time, without a clock. */
import { fieldOfViewOf } from './field-of-view.js';
import { geometryOf } from './geometry.js';
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
function sameGeometry(a: FieldOfView, b: FieldOfView): boolean {
  if (a.sourceWidth !== b.sourceWidth || a.sourceHeight !== b.sourceHeight) return false;
  const tolerance = Math.max(3, 0.012 * a.sourceWidth);
  return (
    Math.abs(a.x - b.x) <= tolerance &&
    Math.abs(a.y - b.y) <= tolerance &&
    Math.abs(a.x + a.width - b.x - b.width) <= tolerance &&
    Math.abs(a.y + a.height - b.y - b.height) <= tolerance
  );
}
