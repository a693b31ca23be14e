import type { Tensor } from '../../onnx/builder.js';
import { elementsOf } from '../../onnx/dimensions.js';
import * as ops from '../../onnx/ops.js';
import type { Cell } from './layout.js';

type Place = readonly [x: number, y: number];

/**
 * What a quarter turn and a reflection do to a place, and to one of `count` directions numbered all around. Of these two, all eight turns and
 * reflections of a square are made (its dihedral group).
 */
const TURNS = [
  { place: ([x, y]: Place): Place => [1 - y, x], direction: (direction: number, count: number) => (direction + count / 4) % count },
  { place: ([x, y]: Place): Place => [1 - x, y], direction: (direction: number, count: number) => (1.5 * count - direction) % count },
] as const;

/** What maps have in cells. */
export interface Pooled {
  /** `[N, C, cells.length]`. */
  readonly values: Tensor;
  readonly cells: readonly Cell[];
  /** How much of each cell is used, in any unit. */
  readonly sizes: readonly number[];
  /** Number of directions that the channels are of, all around and in order, a multiple of 4; null when they have none. */
  readonly directions: number | null;
}

/** As the picture stands: `[N, d]`. */
export function asItStands({ values }: Pooled): Tensor {
  return ops.reshape(values, [values.shape[0] ?? 1, elementsOf(values.shape.slice(1))]);
}

/**
 * Means over all places and directions that turning or mirroring the picture makes of one another: `[N, d]`. An endoscope is turned about its axis all the
 * time, and a mirrored colon is as good a colon as any: which way round a picture stands is then no evidence. What is mostly outside the used region says little
 * about its place, and counts as little.
 */
export function turnMeans(pooled: Pooled): Tensor {
  const { values, cells, sizes, directions } = pooled;
  const inputs = Number(values.shape[1]) * cells.length;
  const orbits = orbitsOf(inputs, cells, directions);
  const sizeAt = (position: number): number => sizes[position % cells.length] ?? 0;
  const means = new Float32Array(inputs * orbits.length);
  orbits.forEach((members, orbit) => {
    const whole = members.reduce((sum, member) => sum + sizeAt(member), 0);
    for (const member of members) means[member * orbits.length + orbit] = sizeAt(member) / whole;
  });
  return ops.matMul(asItStands(pooled), values.builder.constant(null, 'float32', [inputs, orbits.length], means));
}

/** Positions `channel · cells.length + cell` that turn into one another, in the order of their first. */
function orbitsOf(inputs: number, cells: readonly Cell[], directions: number | null): readonly (readonly number[])[] {
  const turned = (position: number, { place, direction }: (typeof TURNS)[number]): number => {
    const [channel, cell] = [Math.floor(position / cells.length), position % cells.length];
    const own = directions === null ? 0 : channel % directions;
    const next = directions === null ? 0 : direction(own, directions);
    return (channel - own + next) * cells.length + turnedCell(cells, cell, place);
  };
  const seen = new Set<number>();
  const orbits: number[][] = [];
  for (let first = 0; first < inputs; first++) {
    if (seen.has(first)) continue;
    const orbit = [first];
    seen.add(first);
    // Grows while it is walked.
    for (const member of orbit) {
      for (const next of TURNS.map((turn) => turned(member, turn))) {
        if (!seen.has(next)) orbit.push(next);
        seen.add(next);
      }
    }
    orbits.push(orbit);
  }
  return orbits;
}

function turnedCell(cells: readonly Cell[], cell: number, turn: (place: Place) => Place): number {
  const middle = cells[cell]?.middle ?? null;
  if (middle === null) return cell;
  const [x, y] = turn(middle);
  return cells.findIndex((other) => other.middle !== null && Math.hypot(other.middle[0] - x, other.middle[1] - y) < 1e-6);
}
