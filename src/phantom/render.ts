import type { Lens } from './lens.js';
import type { Noise } from './noise.js';
import type { Surface, Tube } from './tube.js';
import { rotate, type Quaternion, type Vector } from './vector.js';

/** Where the tip of the scope is and how it is turned; see {@link Lens.rays} for the axes. */
export interface Pose {
  readonly position: Vector;
  readonly orientation: Quaternion;
}

/** A straight round rod with rounded ends: a piece of the scope's shaft or of an instrument. */
export interface Rod {
  readonly from: Vector;
  readonly to: Vector;
  readonly radius: number;
  /** Reflectance, linear. */
  readonly colour: readonly [red: number, green: number, blue: number];
  /** 0 dull … 1 polished. */
  readonly gloss: number;
  /** White rings every so many mm from `to`, as on a shaft; 0 for none. */
  readonly ringMm: number;
}

export interface Scene {
  readonly tubes: readonly Tube[];
  readonly noise: Noise;
}

export interface LightOptions {
  /** Distance at which light has fallen to half, mm. */
  readonly halfMm: number;
  /** Strength of the glints, 0…1. */
  readonly glint: number;
  /** Roughness of the wet film, 0…1. */
  readonly film: number;
  /** Light that comes back from the wall around, 0…1. */
  readonly ambient: number;
}

const BLOCK = 8;
const FAR_MM = 320;
const MAX_STEPS = 160;

/** Draws what the tip sees, in linear light; the same pose gives the same picture. */
export class Renderer {
  readonly #tubes: readonly Tube[];
  readonly #noise: Noise;
  readonly #lens: Lens;
  readonly #light: LightOptions;
  readonly #first: Surface = emptySurface();
  readonly #second: Surface = emptySurface();
  #rods: Float64Array = new Float64Array(0);
  #rodList: readonly Rod[] = [];

  // Left by the last call of #field.
  #height = 0;
  #best = 0;
  #runnerUp = 0;
  #bestHeight = 0;
  #runnerUpHeight = 0;
  #joint = 0;
  // Left by the last call of #march.
  #hitRod = -1;

  // Left by the last call of #shade.
  #red = 0;
  #green = 0;
  #blue = 0;

  constructor(scene: Scene, lens: Lens, light: LightOptions) {
    this.#tubes = scene.tubes;
    this.#noise = scene.noise;
    this.#lens = lens;
    this.#light = light;
  }

  /** Height of the wall over a point, mm; negative outside the tract. */
  clearance(point: Vector): number {
    this.#rods = new Float64Array(0);
    this.#field(point[0], point[1], point[2]);
    return this.#height;
  }

  /** How far one can see from `from` along a unit direction, mm. */
  sight(from: Vector, direction: Vector): number {
    this.#rods = new Float64Array(0);
    return this.#march(from[0], from[1], from[2], direction[0], direction[1], direction[2], 0.2);
  }

  /**
   * Fills `out` (red, green, blue per pixel, linear, 0 = dark, 1 = white at exposure 1) and `depth` (mm per pixel).
   * Pixels outside the aperture are left 0.
   */
  draw(pose: Pose, rods: readonly Rod[], out: Float32Array, depth: Float32Array): void {
    this.#useRods(rods);
    const { width, height, rays, lit, vignette } = this.#lens;
    const [px, py, pz] = pose.position;
    const right = rotate(pose.orientation, [1, 0, 0]);
    const up = rotate(pose.orientation, [0, 1, 0]);
    const forward = rotate(pose.orientation, [0, 0, 1]);
    // Half the diagonal of a block, and a little for the projection.
    const spread = this.#lens.pixelRad * BLOCK * 0.75;
    out.fill(0);
    depth.fill(0);
    for (let blockY = 0; blockY < height; blockY += BLOCK) {
      for (let blockX = 0; blockX < width; blockX += BLOCK) {
        const endX = Math.min(width, blockX + BLOCK);
        const endY = Math.min(height, blockY + BLOCK);
        const centre = (((blockY + endY) >> 1) * width + ((blockX + endX) >> 1)) * 3;
        const cx = rays[centre] as number;
        const cy = rays[centre + 1] as number;
        const cz = rays[centre + 2] as number;
        const start = this.#clear(
          px,
          py,
          pz,
          cx * right[0] + cy * up[0] + cz * forward[0],
          cx * right[1] + cy * up[1] + cz * forward[1],
          cx * right[2] + cy * up[2] + cz * forward[2],
          spread,
        );
        for (let y = blockY; y < endY; y++) {
          for (let x = blockX; x < endX; x++) {
            const index = y * width + x;
            if (lit[index] === 0) continue;
            const rx = rays[index * 3] as number;
            const ry = rays[index * 3 + 1] as number;
            const rz = rays[index * 3 + 2] as number;
            const dx = rx * right[0] + ry * up[0] + rz * forward[0];
            const dy = rx * right[1] + ry * up[1] + rz * forward[1];
            const dz = rx * right[2] + ry * up[2] + rz * forward[2];
            const t = this.#march(px, py, pz, dx, dy, dz, start);
            depth[index] = t;
            this.#shade(px, py, pz, dx, dy, dz, t, right, rz);
            const lens = vignette[index] as number;
            out[index * 3] = this.#red * lens;
            out[index * 3 + 1] = this.#green * lens;
            out[index * 3 + 2] = this.#blue * lens;
          }
        }
      }
    }
  }

  #useRods(rods: readonly Rod[]): void {
    this.#rodList = rods;
    this.#rods = new Float64Array(rods.length * 8);
    for (const [index, rod] of rods.entries()) {
      const along = [rod.to[0] - rod.from[0], rod.to[1] - rod.from[1], rod.to[2] - rod.from[2]] as const;
      this.#rods.set([...rod.from, ...along, 1 / Math.max(1e-9, along[0] ** 2 + along[1] ** 2 + along[2] ** 2), rod.radius], index * 8);
    }
  }

  /** Sets the height over the wall and returns how far a ray may go at least, mm. */
  #field(x: number, y: number, z: number): number {
    const tubes = this.#tubes;
    let best = -1e3;
    let runnerUp = -1e3;
    let reach = 0;
    for (let index = 0; index < tubes.length; index++) {
      const tube = tubes[index] as Tube;
      if (z <= tube.zMin || z >= tube.zMax) continue;
      const height = tube.height(x, y, z);
      if (height > best) {
        runnerUp = best;
        this.#runnerUp = this.#best;
        best = height;
        this.#best = index;
      } else if (height > runnerUp) {
        runnerUp = height;
        this.#runnerUp = index;
      }
      if (height > 0) {
        const clear = tube.reach(z, height);
        if (clear > reach) reach = clear;
      }
    }
    this.#bestHeight = best;
    this.#runnerUpHeight = runnerUp;
    const gap = best - runnerUp;
    let height = best;
    this.#joint = runnerUp > -900 ? Math.min((tubes[this.#best] as Tube).jointMm, (tubes[this.#runnerUp] as Tube).jointMm) : 0;
    if (gap < this.#joint) {
      const near = this.#joint - gap;
      height += (near * near) / (4 * this.#joint);
      if (height * 0.5 > reach) reach = height * 0.5;
    }
    this.#height = height;
    return reach;
  }

  #rodDistance(x: number, y: number, z: number): number {
    const rods = this.#rods;
    let nearest = 1e3;
    for (let index = 0; index < rods.length; index += 8) {
      const ax = x - (rods[index] as number);
      const ay = y - (rods[index + 1] as number);
      const az = z - (rods[index + 2] as number);
      const bx = rods[index + 3] as number;
      const by = rods[index + 4] as number;
      const bz = rods[index + 5] as number;
      let along = (ax * bx + ay * by + az * bz) * (rods[index + 6] as number);
      along = along < 0 ? 0 : along > 1 ? 1 : along;
      const qx = ax - along * bx;
      const qy = ay - along * by;
      const qz = az - along * bz;
      const distance = Math.sqrt(qx * qx + qy * qy + qz * qz) - (rods[index + 7] as number);
      if (distance < nearest) {
        nearest = distance;
        this.#hitRod = index >> 3;
      }
    }
    return nearest;
  }

  /** How far a whole bundle of rays may go together, mm. */
  #clear(px: number, py: number, pz: number, dx: number, dy: number, dz: number, spread: number): number {
    let t = 0.05;
    for (let step = 0; step < 40; step++) {
      const x = px + t * dx;
      const y = py + t * dy;
      const z = pz + t * dz;
      let reach = this.#field(x, y, z);
      if (this.#rods.length > 0) reach = Math.min(reach, this.#rodDistance(x, y, z));
      const go = reach - t * spread;
      if (go < 0.15) break;
      t += go;
      if (t > FAR_MM) break;
    }
    return t;
  }

  #march(px: number, py: number, pz: number, dx: number, dy: number, dz: number, start: number): number {
    let t = start;
    let before = start;
    const hasRods = this.#rods.length > 0;
    for (let step = 0; step < MAX_STEPS; step++) {
      const x = px + t * dx;
      const y = py + t * dy;
      const z = pz + t * dz;
      let reach = this.#field(x, y, z);
      if (this.#height < 0.002 * t) {
        this.#hitRod = -1;
        if (this.#height < 0) t = this.#bisect(px, py, pz, dx, dy, dz, before, t);
        return t;
      }
      if (hasRods) {
        const rod = this.#rodDistance(x, y, z);
        if (rod < 0.02) return t;
        if (rod < reach) reach = rod;
      }
      before = t;
      const least = 0.04 + 0.002 * t;
      t += reach > least ? reach : least;
      if (t > FAR_MM) break;
    }
    this.#hitRod = -1;
    return t;
  }

  #bisect(px: number, py: number, pz: number, dx: number, dy: number, dz: number, inside: number, outside: number): number {
    for (let round = 0; round < 7; round++) {
      const middle = (inside + outside) / 2;
      this.#field(px + middle * dx, py + middle * dy, pz + middle * dz);
      if (this.#height < 0) outside = middle;
      else inside = middle;
      if (outside - inside < 0.02) break;
    }
    this.#field(px + inside * dx, py + inside * dy, pz + inside * dz);
    return inside;
  }

  #shade(px: number, py: number, pz: number, dx: number, dy: number, dz: number, t: number, right: Vector, cosOff: number): void {
    const x = px + t * dx;
    const y = py + t * dy;
    const z = pz + t * dz;
    const surface = this.#first;
    const isRod = this.#hitRod >= 0;
    if (isRod) this.#rodSurface(x, y, z, surface);
    else this.#wallSurface(x, y, z, surface);
    let { nx, ny, nz } = surface;
    const norm = 1 / Math.sqrt(nx * nx + ny * ny + nz * nz + 1e-12);
    nx *= norm;
    ny *= norm;
    nz *= norm;

    const { halfMm, glint, film, ambient } = this.#light;
    const noise = this.#noise;
    const grain = t * this.#lens.pixelRad;
    const glossX = nx;
    const glossY = ny;
    const glossZ = nz;
    if (!isRod) {
      // The mucosa is never quite smooth; what is finer than a pixel is left out.
      const rough = 0.34 / (1 + grain * grain * 2);
      const cx = x * 0.42;
      const cy = y * 0.42;
      const cz = z * 0.42;
      const coarse = noise.at(cx, cy, cz);
      nx -= rough * (noise.at(cx + 0.35, cy, cz) - coarse);
      ny -= rough * (noise.at(cx, cy + 0.35, cz) - coarse);
      nz -= rough * (noise.at(cx, cy, cz + 0.35) - coarse);
    }
    const facing = -(nx * dx + ny * dy + nz * dz);
    const ratio = t / halfMm;
    const fall = 1 / (1 + ratio * ratio);
    const beam = 0.55 + 0.45 * cosOff;
    const lambert = facing > 0 ? facing : 0;
    const diffuse = fall * beam * (0.08 + 0.92 * lambert);
    const back = ambient * (0.25 / (1 + ratio * 0.6));
    const { red, green, blue } = surface;
    // What was reflected more than once has taken the wall's colour more than once.
    let outRed = red * (diffuse + back * red);
    let outGreen = green * (diffuse + back * green * 0.8);
    let outBlue = blue * (diffuse + back * blue * 0.75);

    const shine = surface.gloss * glint;
    if (shine > 0 && facing > 0.3) {
      const wet = isRod ? 0 : noise.at(x * 0.16 + 40, y * 0.16, z * 0.16);
      // The film's ripples are lost where a pixel covers more than one of them.
      const ripple = isRod ? 0 : (film * (0.5 + 1.2 * (wet > 0 ? wet : 0))) / (1 + grain * grain * 4);
      let mx = glossX;
      let my = glossY;
      let mz = glossZ;
      if (ripple > 0) {
        // Turned against the lattice of the noise and bent, or the ripples would line up with it.
        const bend = 2.2 * wet;
        const bx = 1.12 * x + 0.74 * y + 0.66 * z + bend;
        const by = -0.92 * x + 1.16 * y + 0.26 * z - bend;
        const bz = -0.38 * x - 0.6 * y + 1.32 * z + bend;
        const here = noise.at(bx, by, bz);
        const ex = noise.at(bx + 0.3, by, bz) - here;
        const ey = noise.at(bx, by + 0.3, bz) - here;
        const ez = noise.at(bx, by, bz + 0.3) - here;
        mx -= ripple * (0.75 * ex - 0.61 * ey - 0.25 * ez);
        my -= ripple * (0.49 * ex + 0.77 * ey - 0.4 * ez);
        mz -= ripple * (0.44 * ex + 0.17 * ey + 0.88 * ez);
      }
      const inverse = 1 / Math.sqrt(mx * mx + my * my + mz * mz);
      // Two light guides, left and right of the lens.
      const across = (mx * right[0] + my * right[1] + mz * right[2]) * inverse;
      const straight = -(mx * dx + my * dy + mz * dz) * inverse;
      const lean = 1.1 / t;
      const aside = 2 * lean * (dx * right[0] + dy * right[1] + dz * right[2]);
      const square = 1 + lean * lean;
      const left = 1 - (straight + across * lean) / Math.sqrt(square - aside);
      const other = 1 - (straight - across * lean) / Math.sqrt(square + aside);
      const sharp = isRod ? 60 : 2600 / (1 + grain * grain * 12);
      const spot = Math.exp(-left * sharp) + Math.exp(-other * sharp);
      const strength = (shine * spot * 3.2 * fall ** 0.75 * beam) / (1 + grain * grain * 9);
      outRed += strength;
      outGreen += strength;
      outBlue += strength;
    }
    this.#red = outRed;
    this.#green = outGreen;
    this.#blue = outBlue;
  }

  #wallSurface(x: number, y: number, z: number, out: Surface): void {
    (this.#tubes[this.#best] as Tube).surface(x, y, z, out);
    const gap = this.#bestHeight - this.#runnerUpHeight;
    if (gap >= this.#joint) return;
    const other = this.#second;
    (this.#tubes[this.#runnerUp] as Tube).surface(x, y, z, other);
    const weight = 0.5 - gap / (2 * this.#joint);
    out.nx += weight * (other.nx - out.nx);
    out.ny += weight * (other.ny - out.ny);
    out.nz += weight * (other.nz - out.nz);
    out.red += weight * (other.red - out.red);
    out.green += weight * (other.green - out.green);
    out.blue += weight * (other.blue - out.blue);
    out.gloss += weight * (other.gloss - out.gloss);
  }

  #rodSurface(x: number, y: number, z: number, out: Surface): void {
    const rod = this.#rodList[this.#hitRod] as Rod;
    const rods = this.#rods;
    const index = this.#hitRod * 8;
    const ax = x - rod.from[0];
    const ay = y - rod.from[1];
    const az = z - rod.from[2];
    const bx = rods[index + 3] as number;
    const by = rods[index + 4] as number;
    const bz = rods[index + 5] as number;
    const along = Math.max(0, Math.min(1, (ax * bx + ay * by + az * bz) * (rods[index + 6] as number)));
    out.nx = ax - along * bx;
    out.ny = ay - along * by;
    out.nz = az - along * bz;
    const fromEndMm = (1 - along) * Math.sqrt(bx * bx + by * by + bz * bz);
    const ring = rod.ringMm > 0 && fromEndMm % rod.ringMm < 1.2;
    out.red = ring ? 0.75 : rod.colour[0];
    out.green = ring ? 0.75 : rod.colour[1];
    out.blue = ring ? 0.72 : rod.colour[2];
    out.gloss = rod.gloss;
  }
}

function emptySurface(): Surface {
  return { nx: 0, ny: 0, nz: 1, red: 0, green: 0, blue: 0, gloss: 0 };
}
