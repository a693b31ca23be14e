import type { FieldOfViewWatch } from './field-of-view-watch.js';
import type { FieldOfView } from './frame.js';
import type { Picture } from './session.js';

/** The field of view has changed with the picture at `sinceUs`; `fieldOfView` is in pixels of the gray pictures. */
export interface GeometryChange {
  readonly sinceUs: number;
  readonly fieldOfView: FieldOfView;
  /** What came before the change and may leave as it is. */
  readonly released: readonly Picture[];
}

/**
 * Pictures of one session on their way out. While the gray ones leave it in doubt whether the field of view still holds, the others wait: they were
 * masked by the old one. Reads no clock.
 */
export class HeldBack {
  #inDoubt = false;
  readonly #held: Picture[] = [];

  /** What may leave now: the picture, or nothing yet. */
  pass(picture: Picture): readonly Picture[] {
    if (!this.#inDoubt) return [picture];
    this.#held.push(picture);
    return [];
  }

  /** Judges by the next gray picture. */
  judge(watch: FieldOfViewWatch, gray: Picture): GeometryChange | readonly Picture[] {
    const verdict = watch.add(gray);
    if (verdict.type === 'changed') {
      const { sinceUs, fieldOfView } = verdict;
      // Frames that came before the change are shown anew by the next session where that can be; packets are not encoded twice.
      const released = this.#held.filter(({ role, ptsUs }) => role === 'recording' && ptsUs < sinceUs);
      return { sinceUs, fieldOfView, released };
    }
    this.#inDoubt = verdict.type === 'suspected';
    return this.#inDoubt ? [] : this.rest();
  }

  /** All that waits: of a session that is over, or of a doubt that has gone. */
  rest(): readonly Picture[] {
    return this.#held.splice(0);
  }
}
