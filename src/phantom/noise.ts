import type { Random } from './random.js';

const SIZE = 64;
const MASK = SIZE - 1;

/** Value noise in three dimensions from a table that repeats every 64 units; −1…1, smooth, one feature per unit. */
export class Noise {
  readonly #table = new Float32Array(SIZE * SIZE * SIZE);

  constructor(random: Random) {
    const table = this.#table;
    for (let index = 0; index < table.length; index++) table[index] = random() * 2 - 1;
  }

  at(x: number, y: number, z: number): number {
    const table = this.#table;
    const xFloor = Math.floor(x);
    const yFloor = Math.floor(y);
    const zFloor = Math.floor(z);
    let fx = x - xFloor;
    let fy = y - yFloor;
    let fz = z - zFloor;
    fx = fx * fx * (3 - 2 * fx);
    fy = fy * fy * (3 - 2 * fy);
    fz = fz * fz * (3 - 2 * fz);
    const x0 = xFloor & MASK;
    const x1 = (xFloor + 1) & MASK;
    const y0 = (yFloor & MASK) << 6;
    const y1 = ((yFloor + 1) & MASK) << 6;
    const z0 = (zFloor & MASK) << 12;
    const z1 = ((zFloor + 1) & MASK) << 12;
    const a = table[z0 | y0 | x0] as number;
    const b = table[z0 | y1 | x0] as number;
    const c = table[z1 | y0 | x0] as number;
    const d = table[z1 | y1 | x0] as number;
    const ab = a + fx * ((table[z0 | y0 | x1] as number) - a);
    const bb = b + fx * ((table[z0 | y1 | x1] as number) - b);
    const cb = c + fx * ((table[z1 | y0 | x1] as number) - c);
    const db = d + fx * ((table[z1 | y1 | x1] as number) - d);
    const low = ab + fy * (bb - ab);
    const high = cb + fy * (db - cb);
    return low + fz * (high - low);
  }

  /** Sum of `octaves` octaves, each half as strong and about twice as fine as the one before; about −1…1. */
  fractal(x: number, y: number, z: number, octaves: number): number {
    let sum = 0;
    let amplitude = 0.6;
    for (let octave = 0; octave < octaves; octave++) {
      sum += amplitude * this.at(x, y, z);
      amplitude *= 0.5;
      // Not exactly two and shifted, so that the lattices of the octaves never line up.
      x = x * 2.03 + 17.3;
      y = y * 2.03 + 9.1;
      z = z * 2.03 + 31.7;
    }
    return sum;
  }

  /** 1 on thin connected ridges, falling to 0 between them. */
  ridge(x: number, y: number, z: number): number {
    return 1 - Math.min(1, Math.abs(this.at(x, y, z)) * 2.2);
  }
}
