import type { Lens } from '../lens.js';
import { Noise } from '../noise.js';
import { between, randomStream } from '../random.js';
import { rotate } from '../vector.js';
import type { Pose } from '../render.js';

/** What a tip outside the body sees: an out-of-focus room, drapes in green or blue, a lamp. */
export class Room {
  readonly #noise: Noise;
  readonly #drape: readonly [number, number, number];
  readonly #lamp: readonly [number, number, number];

  constructor(seed: number) {
    const random = randomStream(seed, 'room');
    this.#noise = new Noise(random);
    const green = between(random, 0, 1);
    this.#drape = [0.1, 0.2 + 0.08 * green, 0.3 - 0.12 * green];
    const turn = between(random, 0, 6.28);
    this.#lamp = [Math.cos(turn) * 0.6, Math.sin(turn) * 0.6, 0.55];
  }

  draw(pose: Pose, lens: Lens, out: Float32Array): void {
    const right = rotate(pose.orientation, [1, 0, 0]);
    const up = rotate(pose.orientation, [0, 1, 0]);
    const forward = rotate(pose.orientation, [0, 0, 1]);
    for (let index = 0; index < lens.lit.length; index++) {
      if (lens.lit[index] === 0) continue;
      const rx = lens.rays[index * 3] as number;
      const ry = lens.rays[index * 3 + 1] as number;
      const rz = lens.rays[index * 3 + 2] as number;
      const dx = rx * right[0] + ry * up[0] + rz * forward[0];
      const dy = rx * right[1] + ry * up[1] + rz * forward[1];
      const dz = rx * right[2] + ry * up[2] + rz * forward[2];
      const folds = this.#noise.at(dx * 2.2, dy * 2.2, dz * 2.2);
      const wall = 1 / (1 + Math.exp(-(this.#noise.at(dx * 1.1 + 9, dy * 1.1, dz * 1.1) + 0.25) * 9));
      const lamp = Math.exp(-((dx - this.#lamp[0]) ** 2 + (dy - this.#lamp[1]) ** 2 + (dz - this.#lamp[2]) ** 2) * 9) * 2.4;
      const shade = 0.75 + 0.5 * folds;
      for (let channel = 0; channel < 3; channel++) {
        const drape = (this.#drape[channel] as number) * shade;
        const plaster = (0.34 - 0.015 * channel) * (0.9 + 0.2 * folds);
        out[index * 3 + channel] = drape + (plaster - drape) * wall + lamp;
      }
    }
  }
}
