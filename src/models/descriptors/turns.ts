import type { Tensor } from '../../onnx/builder.js';
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

/**
 * Means over all places and directions that turning or mirroring the picture makes of one another: `[N, d]` of `pooled` `[N, C, cells.length]`. An endoscope is
 * turned about its axis all the time, and a mirrored colon is as good a colon as any: which way round a picture stands is no evidence.
 * @param sizes How much of each cell is used: what is mostly outside the used region says little about its place.
 * @param directions Number of directions that the channels are of, all around and in order, a multiple of 4; null when they have none.
 */
export function turnMeans(pooled: Tensor, cells: readonly Cell[], sizes: readonly number[], directions: number | null): Tensor {
  const [batch = 1, channels] = pooled.shape;
  const inputs = Number(channels) * cells.length;
  const orbits = orbitsOf(inputs, cells, directions);
  const sizeAt = (position: number): number => sizes[position % cells.length] ?? 0;
  const means = new Float32Array(inputs * orbits.length);
  orbits.forEach((members, orbit) => {
    const whole = members.reduce((sum, member) => sum + sizeAt(member), 0);
    for (const member of members) means[member * orbits.length + orbit] = sizeAt(member) / whole;
  });
  return ops.matMul(ops.reshape(pooled, [batch, inputs]), pooled.builder.constant(null, 'float32', [inputs, orbits.length], means));
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
