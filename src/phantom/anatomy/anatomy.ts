import type { Scene } from '../render.js';
import { bell, type Random } from '../random.js';
import { normalize, rotate, turn, type Vector } from '../vector.js';

export type Tract = 'upper' | 'lower';

/** A place from which a landmark shows itself as it is photographed. */
export interface Station {
  /** Canonical class id; see `common/landmarks.ts`. */
  readonly landmark: string;
  readonly position: Vector;
  readonly look: Vector;
  readonly up: Vector;
  /** How far the tip wanders about the place: sideways and along the view in mm, turning and rolling in degrees. */
  readonly sway: { readonly acrossMm: number; readonly alongMm: number; readonly turnDeg: number; readonly rollDeg: number };
  /** Where the landmark stops being in view: this far from the place, or turned this far from the view. */
  readonly limit: { readonly mm: number; readonly deg: number };
}

/** The station as one examiner holds the scope there: turned and rolled a little from the textbook's view, in a way of their own. */
export function tilted(station: Station, random: Random): Station {
  const degree = Math.PI / 180;
  const aside = turn(normalize([bell(random), bell(random), bell(random)]), 5 * degree);
  const rolled = turn(station.look, 11 * bell(random) * degree);
  return { ...station, look: rotate(aside, station.look), up: rotate(aside, rotate(rolled, station.up)) };
}

/** A step of the tip's way through the tract. */
export type Leg = Step & {
  /** Part of the examination that this belongs to: left out together with it. */
  readonly part?: string;
  /** Taken only where this part is left out. */
  readonly instead?: string;
};

export type Step =
  /** Stay at a station; `share` weighs its time against the other stays. */
  | { readonly type: 'stay'; readonly landmark: string; readonly share: number }
  /** Pass a point. */
  | { readonly type: 'pass'; readonly position: Vector; readonly look: Vector; readonly up: Vector }
  /** The wall closes over the lens while the tip slips through a narrow place to where the next leg begins. */
  | { readonly type: 'slip' };

/** One patient's tract. */
export interface Anatomy {
  readonly tract: Tract;
  /** Baked when it is first asked for: planning a procedure does not need it. */
  readonly scene: () => Scene;
  readonly stations: ReadonlyMap<string, Station>;
  /** The whole examination, with every part that an examiner may leave out. */
  readonly route: readonly Leg[];
  /** Parts that an examiner may leave out, with the share of examinations that lack them; a part can take others with it. */
  readonly omissible: readonly Omissible[];
  /** Name of the part of the tract that holds a point; a canonical class id where there is one. */
  readonly siteAt: (position: Vector) => string;
  /** Where the scope's shaft lies for a tip at a point: where it comes in and which way it runs there; null where it cannot be seen. */
  readonly shaftEntry: (position: Vector, look: Vector) => { readonly at: Vector; readonly inward: Vector } | null;
}

/** A part of an examination that is not always done. */
export interface Omissible {
  readonly part: string;
  readonly share: number;
  /** Parts that cannot be done without it. */
  readonly takes?: readonly string[];
}

/** Legs as a part of the examination. */
export function partOf(part: string, ...legs: readonly Leg[]): Leg[] {
  return legs.map((leg) => ({ part, ...leg }));
}

/** Legs that are taken where a part is left out. */
export function insteadOf(part: string, ...legs: readonly Leg[]): Leg[] {
  return legs.map((leg) => ({ ...leg, instead: part }));
}

/** Makes a scene once, when it is first asked for. */
export function lazily(make: () => Scene): () => Scene {
  let made: Scene | null = null;
  return () => (made ??= make());
}
