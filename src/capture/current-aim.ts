import type { PictureShape } from '../media/shape.js';
import { deinterlacing, firstAim, type Aim } from './aim.js';
import { scaleFieldOfView } from './field-of-view.js';
import { fixedFieldOfView } from './fixed-field-of-view.js';
import type { FieldOfView } from './frame.js';
import type { CapturePlan } from './graph.js';
import type { SourceOptions } from './options.js';
import type { CaptureSession } from './session.js';

/** Some streams settle on a pixel format with their second picture, whenever they are opened. */
const SETTLING_MS = 5000;

/** What the next session aims at, by what the sessions before it have seen of the source. */
export class CurrentAim implements Aim {
  shape: PictureShape | null;
  fieldOfView: FieldOfView | null;
  sinceUs: number | null;
  resume: Aim['resume'];
  deinterlace: CapturePlan['deinterlace'];
  readonly #options: SourceOptions;
  readonly #finite: boolean;

  /**
   * @param shape Of a finite input, which was looked at; null for a live one.
   * @throws UsageError when a fixed field of view lies outside it.
   */
  constructor(options: SourceOptions, finite: boolean, shape: PictureShape | null) {
    this.#options = options;
    this.#finite = finite;
    const first = firstAim(options, shape);
    this.shape = first.shape;
    this.fieldOfView = first.fieldOfView;
    this.sinceUs = first.sinceUs;
    this.resume = first.resume;
    this.deinterlace = first.deinterlace;
  }

  /** A search has found the field of view. */
  find(fieldOfView: FieldOfView, shape: PictureShape): void {
    const { width, height } = this.#seen(shape);
    this.fieldOfView = scaleFieldOfView(fieldOfView, width, height);
    if (this.deinterlace === 'none') this.deinterlace = deinterlacing(this.#options, shape);
  }

  /**
   * Takes what only the first picture of a live input can tell; false when the session that showed it cannot go on as it is.
   * @throws UsageError when a fixed field of view lies outside the picture.
   */
  accept(shape: PictureShape): boolean {
    // Once on it stays on: it touches only pictures that are flagged.
    const isInterlaced = this.deinterlace === 'none' && deinterlacing(this.#options, shape) !== 'none';
    const { width, height } = this.#seen(shape);
    const isOutdated = this.fieldOfView !== null && (this.fieldOfView.sourceWidth !== width || this.fieldOfView.sourceHeight !== height);
    if (isOutdated) this.fieldOfView = null;
    this.fieldOfView ??= fixedFieldOfView(this.#options, shape);
    if (isInterlaced) this.deinterlace = 'flagged';
    return !isOutdated && !isInterlaced;
  }

  /**
   * Whether a live input must be opened again since its size or pixel format has changed: it is wanted at its full resolution, and ffmpeg, whose
   * filters begin anew with the change, has forgotten by how much it had moved the times. What came in between was brought to the size of before.
   */
  isLeftBy(session: Pick<CaptureSession, 'shape' | 'newShape' | 'startedAtMs'>, nowMs: number): boolean {
    const { newShape } = session;
    if (this.#finite || newShape === null) return false;
    session.newShape = null;
    const isResized = newShape.width !== session.shape?.width || newShape.height !== session.shape.height;
    if (isResized) this.fieldOfView = null;
    return isResized || nowMs - session.startedAtMs > SETTLING_MS;
  }

  /**
   * Another geometry, seen from `sinceUs` on. Finite inputs go back to its first frame; live ones go on from now.
   * @param loop Of a loop: how long the file is, null where it does not say, and the time on the consumer's clock.
   */
  follow(fieldOfView: FieldOfView, shape: PictureShape, sinceUs: number, loop: { durationUs: number | null; ptsUs: number }): void {
    this.fieldOfView = scaleFieldOfView(fieldOfView, shape.width, shape.height);
    if (!this.#finite) return;
    // A loop's clock has run through the file many times; decoding it all again would take as long.
    if (this.#options.loop === true) {
      this.resume = { seekUs: loop.durationUs === null ? 0 : sinceUs % loop.durationUs, ptsUs: loop.ptsUs };
    } else this.sinceUs = sinceUs;
  }

  /** The shape in which pictures come: a finite input is brought to the one in which it was first seen. */
  #seen(shape: PictureShape): PictureShape {
    if (!this.#finite || this.shape === null) this.shape = shape;
    return this.shape;
  }
}
