import type { Noise } from './noise.js';
import { bell, between, type Random } from './random.js';
import type { Paint, Place } from './tube.js';

/** Reflectance, linear, 0…1. */
export type Colour = readonly [red: number, green: number, blue: number];

/** What a patient's mucosa has in common from the mouth to the anus. */
export interface Complexion {
  /** Factors on red, green and blue. */
  readonly cast: Colour;
  /** How far the vessels show through, about 1. */
  readonly vascularity: number;
  /** How blotchy the mucosa is, about 1. */
  readonly mottling: number;
}

export function drawComplexion(random: Random): Complexion {
  const warmth = 0.08 * bell(random);
  const pallor = 0.07 * bell(random);
  return {
    cast: [1 + pallor + warmth * 0.4, 1 + pallor - warmth * 0.5, 1 + pallor * 1.3 - warmth],
    vascularity: between(random, 0.65, 1.35),
    mottling: between(random, 0.6, 1.5),
  };
}

/** Linear reflectance of a colour given as it should look on the screen, 0…255. */
export function tint(red: number, green: number, blue: number): Colour {
  return [(red / 255) ** 2.2, (green / 255) ** 2.2, (blue / 255) ** 2.2];
}

function blend(a: Colour, b: Colour, weight: number): Colour {
  return [a[0] + (b[0] - a[0]) * weight, a[1] + (b[1] - a[1]) * weight, a[2] + (b[2] - a[2]) * weight];
}

/** Shifts a tissue's colour as it differs between patients. */
export function individual(colour: Colour, complexion: Complexion, random: Random): Colour {
  const own = 0.03;
  return [
    colour[0] * complexion.cast[0] * (1 + own * bell(random)),
    colour[1] * complexion.cast[1] * (1 + own * bell(random)),
    colour[2] * complexion.cast[2] * (1 + own * bell(random)),
  ];
}

export interface MucosaStyle {
  readonly colour: Colour;
  /** Strength and size of the blotches. */
  readonly mottle: number;
  readonly mottleMm: number;
  /** Strength and size of the grain (pits, villi). */
  readonly grain: number;
  readonly grainMm: number;
  readonly gloss: number;
}

/** Plain mucosa: a base colour, redder and paler blotches, a grain, and shade in the hollows. */
export function paintMucosa(place: Place, paint: Paint, style: MucosaStyle, noise: Noise, complexion: Complexion): void {
  const f = 1 / style.mottleMm;
  const blotch = noise.fractal(place.x * f, place.y * f, place.worldZ * f, 3) * style.mottle * complexion.mottling;
  const g = 1 / style.grainMm;
  const grain = style.grain === 0 ? 0 : noise.at(place.x * g + 5, place.y * g, place.worldZ * g) * style.grain;
  const shade = shadeOf(place.hollow);
  const bright = (1 + 0.35 * blotch + grain) * shade;
  paint.red = style.colour[0] * bright;
  paint.green = style.colour[1] * bright * (1 - 0.55 * blotch) * (0.85 + 0.15 * shade);
  paint.blue = style.colour[2] * bright * (1 - 0.6 * blotch) * (0.8 + 0.2 * shade);
  paint.gloss = style.gloss;
}

/** A tissue on the way from one to another. */
export function styleBetween(a: MucosaStyle, b: MucosaStyle, weight: number): MucosaStyle {
  if (weight <= 0) return a;
  if (weight >= 1) return b;
  const mixed = (x: number, y: number): number => x + (y - x) * weight;
  return {
    colour: blend(a.colour, b.colour, weight),
    mottle: mixed(a.mottle, b.mottle),
    // Sizes do not mix: a wave length that changes on the way would stretch the pattern.
    mottleMm: weight < 0.5 ? a.mottleMm : b.mottleMm,
    grain: mixed(a.grain, b.grain),
    grainMm: weight < 0.5 ? a.grainMm : b.grainMm,
    gloss: mixed(a.gloss, b.gloss),
  };
}

/** Mixes blood's colour in; `amount` 0…1. */
export function paintVessel(paint: Paint, amount: number): void {
  paint.red *= 1 - 0.3 * amount;
  paint.green *= 1 - 0.62 * amount;
  paint.blue *= 1 - 0.55 * amount;
}

/** A net of vessels that comes to the surface and dives again: trunks about `meshMm` apart, two finer orders between them; 0…1. */
export function vesselNet(place: Place, noise: Noise, meshMm: number): number {
  const f = 1 / meshMm;
  const { x, y, worldZ: z } = place;
  const wx = noise.at(x * f * 1.9, y * f * 1.9, z * f * 1.9 + 20) * 0.4 + noise.at(x * f * 5, y * f * 5, z * f * 5) * 0.1;
  const wy = noise.at(x * f * 1.9 + 31, y * f * 1.9, z * f * 1.9) * 0.4 + noise.at(x * f * 5 + 9, y * f * 5, z * f * 5) * 0.1;
  const trunk =
    smooth(0.87, 1, noise.ridge(x * f + wx, y * f + wy, z * f + wx)) *
    smooth(-0.35, 0.3, noise.at(x * f * 0.7 + 3, y * f * 0.7, z * f * 0.7));
  const branch =
    smooth(0.78, 1, noise.ridge(x * f * 2.1 + wy * 2 + 7, y * f * 2.1 + wx * 2, z * f * 2.1 + wy * 2)) *
    smooth(-0.3, 0.35, noise.at(x * f * 1.1 + 13, y * f * 1.1, z * f * 1.1));
  const twig =
    smooth(0.6, 1, noise.ridge(x * f * 4.6 + wx * 4 + 3, y * f * 4.6 + wy * 4, z * f * 4.6)) *
    smooth(0, 0.5, noise.at(x * f * 1.7 + 23, y * f * 1.7, z * f * 1.7));
  return Math.min(1, 0.9 * trunk + 0.65 * branch + 0.35 * twig);
}

/** 0 below `low`, 1 above `high`, smooth between. */
export function smooth(low: number, high: number, value: number): number {
  const part = Math.max(0, Math.min(1, (value - low) / (high - low)));
  return part * part * (3 - 2 * part);
}

/** Bell of height 1 and half-width `width` about 0. */
export function bump(distance: number, width: number): number {
  const ratio = distance / width;
  return Math.exp(-ratio * ratio);
}

function shadeOf(hollow: number): number {
  // Grooves are darker; ridges a little brighter.
  return hollow > 0 ? 1 / (1 + 0.38 * hollow) : 1 - Math.max(-0.12, 0.08 * hollow);
}
