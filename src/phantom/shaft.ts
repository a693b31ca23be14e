import type { Pose, Rod } from './render.js';
import { add, dot, mix, normalize, rotate, scale, subtract, type Vector } from './vector.js';

const SHAFT_RADIUS_MM = 4.7;
/** Radii of the bend of a scope that is turned back on itself, the freest first. */
const BENDS_MM = [17, 15.5, 14, 12.5, 11, 9.5];
const TIGHTEST_BEND_MM = 8;
const WALL_MM = 1;
const PIECES = 14;

/**
 * The scope's own shaft from where it comes in (`entry`, running along `inward`) to the tip, as it lies in a wide hollow: straight
 * on when the tip looks ahead, in a U when the tip looks back. Where the hollow is too narrow for a wide bend, the bend is tighter.
 * @param clearance Distance of a point from the wall around it, mm; negative outside.
 */
export function shaftRods(entry: Vector, inward: Vector, pose: Pose, clearance: (point: Vector) => number): Rod[] {
  const forward = rotate(pose.orientation, [0, 0, 1]);
  const up = rotate(pose.orientation, [0, 1, 0]);
  const tip = add(pose.position, scale(forward, -8));
  const back = add(pose.position, scale(forward, -20));
  const along = normalize(subtract(pose.position, entry));
  const turned = Math.max(0, Math.min(1, -1.6 * dot(forward, along) + 0.3));
  // In a U, the shaft passes the tip on the side to which the tip is bent up.
  const besideOf = (bendMm: number): Vector => add(pose.position, add(scale(up, 2 * bendMm), scale(forward, -4)));
  const hasRoom = (point: Vector): boolean => clearance(point) >= SHAFT_RADIUS_MM + WALL_MM;
  const bendMm = BENDS_MM.find((mm) => [0, 0.25, 0.5].every((way) => hasRoom(mix(besideOf(mm), entry, way)))) ?? TIGHTEST_BEND_MM;
  const beside = besideOf(bendMm);
  const bottom = add(pose.position, add(scale(up, bendMm), scale(forward, -2 * bendMm)));
  const straight = mix(entry, back, 0.5);
  const control: Vector[] = [
    add(entry, scale(inward, -26)),
    entry,
    mix(add(straight, scale(inward, 6)), mix(entry, beside, 0.5), turned),
    mix(mix(entry, back, 0.8), beside, turned),
    mix(mix(entry, back, 0.9), bottom, turned),
    back,
    tip,
  ];
  const points = Array.from({ length: PIECES + 1 }, (_, index) => catmull(control, (index / PIECES) * (control.length - 1)));
  const rods: Rod[] = [];
  for (let index = 0; index < PIECES; index++) {
    const from = points[index] as Vector;
    const to = points[index + 1] as Vector;
    // The tip itself must not stand before its own lens.
    if (dot(subtract(to, pose.position), forward) > -1.5 && Math.hypot(...subtract(to, pose.position)) < SHAFT_RADIUS_MM + 2) continue;
    rods.push({ from, to, radius: SHAFT_RADIUS_MM, colour: [0.012, 0.014, 0.018], gloss: 0.5, ringMm: 0 });
  }
  return rods;
}

/** Catmull-Rom spline through the points, `at` counting points from 0. */
export function catmull(points: readonly Vector[], at: number): Vector {
  const last = points.length - 1;
  const index = Math.max(0, Math.min(last - 1, Math.floor(at)));
  const t = at - index;
  const p0 = points[Math.max(0, index - 1)] as Vector;
  const p1 = points[index] as Vector;
  const p2 = points[index + 1] as Vector;
  const p3 = points[Math.min(last, index + 2)] as Vector;
  const spline = (a: number, b: number, c: number, d: number): number =>
    0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t * t + (3 * b - a - 3 * c + d) * t * t * t);
  return [spline(p0[0], p1[0], p2[0], p3[0]), spline(p0[1], p1[1], p2[1], p3[1]), spline(p0[2], p1[2], p2[2], p3[2])];
}
