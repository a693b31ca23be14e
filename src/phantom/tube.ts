/**
 * One stretch of the tract: a hollow whose wall stands at a distance from a centre line that runs along z and may wander sideways.
 *
 * The wall is a height map over the length along the wall (`u`, mm) and the angle about the centre line, so that a point is inside
 * or outside after one square root, one arc tangent and four look-ups. Relief and colour of a patient are baked into maps once.
 */
export interface TubeDesign {
  readonly name: string;
  /** World z of both ends, mm; low end first. */
  readonly zMin: number;
  readonly zMax: number;
  /** Centre line at z, mm. */
  readonly centre: (z: number) => readonly [x: number, y: number];
  /** Rounding where this tube meets another, mm; the lesser of the two counts. */
  readonly jointMm: number;
  /** Radius at z without relief, mm; 0 closes the tube. */
  readonly radius: (z: number) => number;
  /** How far the wall stands into the lumen at a place, mm. */
  readonly relief: (place: Place) => number;
  /** Adds to `paint` what the wall looks like at a place. */
  readonly paint: (place: Place, paint: Paint) => void;
}

/** A place on the wall, reused between calls. */
export interface Place {
  z: number;
  /** Length along the wall from the low end, mm. */
  u: number;
  /** −π…π about the centre line, 0 at +x. */
  angle: number;
  cos: number;
  sin: number;
  /** Radius without relief, mm. */
  radius: number;
  /** World position, mm. */
  x: number;
  y: number;
  worldZ: number;
  /** Only while painting: how much deeper (+) or higher (−) the wall lies here than around it, mm. */
  hollow: number;
}

/** Reflectance (linear, 0…1) and wetness of one texel. */
export interface Paint {
  red: number;
  green: number;
  blue: number;
  /** 0 dull … 1 wet. */
  gloss: number;
}

const Z_STEP_MM = 0.25;
const NEAR_MM = 4;
const FAR_MM = 14;

export interface BakeOptions {
  /** Size of a relief texel along the wall, mm. */
  readonly reliefMm: number;
  /** Columns of the relief map about the centre line; a power of two. Colour has twice as many. */
  readonly columns: number;
}

/** What the wall is like at a point; filled by {@link Tube.surface}. */
export interface Surface {
  /** Gradient of the distance to the wall, into the lumen; not normalised. */
  nx: number;
  ny: number;
  nz: number;
  red: number;
  green: number;
  blue: number;
  gloss: number;
}

export class Tube {
  readonly name: string;
  readonly zMin: number;
  readonly zMax: number;
  readonly jointMm: number;
  readonly #columns: number;
  readonly #rows: number;
  readonly #rowsPerMm: number;
  readonly #centreX: Float32Array;
  readonly #centreY: Float32Array;
  readonly #u: Float32Array;
  readonly #radiusAt: Float32Array;
  readonly #largest: Float32Array;
  readonly #nearFactor: Float32Array;
  readonly #farFactor: Float32Array;
  readonly #relief: Float32Array;
  readonly #colour: Uint8Array;
  readonly #lastStep: number;

  constructor(design: TubeDesign, options: BakeOptions) {
    this.name = design.name;
    this.zMin = design.zMin;
    this.zMax = design.zMax;
    this.jointMm = design.jointMm;
    this.#columns = options.columns;
    const steps = Math.ceil((design.zMax - design.zMin) / Z_STEP_MM) + 1;
    this.#lastStep = steps - 2;
    this.#centreX = new Float32Array(steps);
    this.#centreY = new Float32Array(steps);
    this.#u = new Float32Array(steps);
    this.#radiusAt = new Float32Array(steps);
    this.#largest = new Float32Array(steps);
    this.#nearFactor = new Float32Array(steps);
    this.#farFactor = new Float32Array(steps);
    for (let step = 0; step < steps; step++) {
      const z = design.zMin + step * Z_STEP_MM;
      const [x, y] = design.centre(z);
      const radius = Math.max(0, design.radius(z));
      this.#centreX[step] = x;
      this.#centreY[step] = y;
      this.#radiusAt[step] = radius;
      if (step > 0) {
        const rise = radius - (this.#radiusAt[step - 1] as number);
        this.#u[step] = (this.#u[step - 1] as number) + Math.sqrt(Z_STEP_MM * Z_STEP_MM + rise * rise);
      }
    }
    const length = this.#u[steps - 1] as number;
    this.#rowsPerMm = 1 / options.reliefMm;
    this.#rows = Math.ceil(length * this.#rowsPerMm) + 2;
    this.#relief = this.#bakeRelief(design);
    this.#bakeFactors();
    this.#colour = this.#bakeColour(design);
  }

  centreAt(z: number): readonly [x: number, y: number] {
    const step = this.#step(z);
    return [this.#centreX[step] as number, this.#centreY[step] as number];
  }

  /** A point of the wall, mm; `into` mm away from it into the lumen. */
  wallPoint(z: number, angle: number, into: number): readonly [x: number, y: number, z: number] {
    const step = this.#step(z);
    const column = (((angle / (2 * Math.PI)) * this.#columns) | 0) & (this.#columns - 1);
    const row = Math.round((this.#u[step] as number) * this.#rowsPerMm);
    const radius = (this.#relief[row * this.#columns + column] as number) - into;
    return [(this.#centreX[step] as number) + radius * Math.cos(angle), (this.#centreY[step] as number) + radius * Math.sin(angle), z];
  }

  /** Height of the wall over a point between both ends, mm: positive inside. Not a distance where the wall is steep; see {@link Tube.reach}. */
  height(x: number, y: number, z: number): number {
    const at = (z - this.zMin) * (1 / Z_STEP_MM);
    let step = at | 0;
    if (step > this.#lastStep) step = this.#lastStep;
    const part = at - step;
    const x0 = this.#centreX[step] as number;
    const y0 = this.#centreY[step] as number;
    const dx = x - x0 - part * ((this.#centreX[step + 1] as number) - x0);
    const dy = y - y0 - part * ((this.#centreY[step + 1] as number) - y0);
    const distance = Math.sqrt(dx * dx + dy * dy);
    const beyond = distance - (this.#largest[step] as number);
    if (beyond > 1) return -beyond;
    const u0 = this.#u[step] as number;
    const row = (u0 + part * ((this.#u[step + 1] as number) - u0)) * this.#rowsPerMm;
    return this.#reliefAt(row, angleOf(dy, dx) * this.#columns) - distance;
  }

  /** A length that a ray may go from a point at height `height` without crossing the wall, mm. */
  reach(z: number, height: number): number {
    const step = this.#step(z);
    const near = height * (this.#nearFactor[step] as number);
    if (near < NEAR_MM) return near;
    const far = height * (this.#farFactor[step] as number);
    return far > NEAR_MM ? (far < FAR_MM ? far : FAR_MM) : NEAR_MM;
  }

  /** Gradient and colour of the wall beside a point near it. */
  surface(x: number, y: number, z: number, out: Surface): void {
    const at = Math.max(0, (z - this.zMin) * (1 / Z_STEP_MM));
    let step = at | 0;
    if (step > this.#lastStep) step = this.#lastStep;
    const part = at - step;
    const slopeX = (this.#centreX[step + 1] as number) - (this.#centreX[step] as number);
    const slopeY = (this.#centreY[step + 1] as number) - (this.#centreY[step] as number);
    const dx = x - (this.#centreX[step] as number) - part * slopeX;
    const dy = y - (this.#centreY[step] as number) - part * slopeY;
    const distance = Math.max(1e-3, Math.sqrt(dx * dx + dy * dy));
    const u0 = this.#u[step] as number;
    const uSlope = ((this.#u[step + 1] as number) - u0) / Z_STEP_MM;
    const row = Math.min(this.#rows - 2.001, Math.max(1, (u0 + part * ((this.#u[step + 1] as number) - u0)) * this.#rowsPerMm));
    const turns = angleOf(dy, dx);
    const column = turns * this.#columns;

    // Differences over two texels, so that the wall's facets do not show.
    const alongRow = (this.#reliefAt(row + 1, column) - this.#reliefAt(row - 1, column)) * 0.5 * this.#rowsPerMm;
    const perColumn = (this.#reliefAt(row, column + 1 + this.#columns) - this.#reliefAt(row, column - 1 + this.#columns)) * 0.5;
    const perRadian = (perColumn * this.#columns) / (2 * Math.PI);
    const inverse = 1 / distance;
    const radialX = dx * inverse;
    const radialY = dy * inverse;
    out.nx = -perRadian * radialY * inverse - radialX;
    out.ny = perRadian * radialX * inverse - radialY;
    out.nz = alongRow * uSlope + (radialX * slopeX + radialY * slopeY) / Z_STEP_MM;

    this.#colourAt(row * 2, turns * this.#columns * 2, out);
  }

  #step(z: number): number {
    const step = ((z - this.zMin) * (1 / Z_STEP_MM)) | 0;
    return step < 0 ? 0 : step > this.#lastStep ? this.#lastStep : step;
  }

  #reliefAt(row: number, column: number): number {
    const mask = this.#columns - 1;
    const row0 = row | 0;
    const column0 = column | 0;
    const fr = row - row0;
    const fc = column - column0;
    const base = row0 * this.#columns;
    const next = base + this.#columns;
    const left = column0 & mask;
    const right = (column0 + 1) & mask;
    const a = this.#relief[base + left] as number;
    const b = this.#relief[next + left] as number;
    const ac = a + fc * ((this.#relief[base + right] as number) - a);
    const bc = b + fc * ((this.#relief[next + right] as number) - b);
    return ac + fr * (bc - ac);
  }

  #colourAt(row: number, column: number, out: Surface): void {
    const columns = this.#columns * 2;
    const mask = columns - 1;
    const row0 = row | 0;
    const column0 = column | 0;
    const fr = row - row0;
    const fc = column - column0;
    const a = (row0 * columns + (column0 & mask)) * 4;
    const b = (row0 * columns + ((column0 + 1) & mask)) * 4;
    const c = a + columns * 4;
    const d = b + columns * 4;
    const wa = (1 - fr) * (1 - fc) * (1 / 255);
    const wb = (1 - fr) * fc * (1 / 255);
    const wc = fr * (1 - fc) * (1 / 255);
    const wd = fr * fc * (1 / 255);
    const map = this.#colour;
    const red = (map[a] as number) * wa + (map[b] as number) * wb + (map[c] as number) * wc + (map[d] as number) * wd;
    const green = (map[a + 1] as number) * wa + (map[b + 1] as number) * wb + (map[c + 1] as number) * wc + (map[d + 1] as number) * wd;
    const blue = (map[a + 2] as number) * wa + (map[b + 2] as number) * wb + (map[c + 2] as number) * wc + (map[d + 2] as number) * wd;
    // Kept as square roots, which spends the eight bits where the eye sees them.
    out.red = red * red;
    out.green = green * green;
    out.blue = blue * blue;
    out.gloss = (map[a + 3] as number) * wa + (map[b + 3] as number) * wb + (map[c + 3] as number) * wc + (map[d + 3] as number) * wd;
  }

  #place(row: number, perMm: number): Place {
    const u = Math.min(row / perMm, this.#u[this.#lastStep + 1] as number);
    let low = 0;
    let high = this.#lastStep + 1;
    while (high - low > 1) {
      const middle = (low + high) >> 1;
      if ((this.#u[middle] as number) <= u) low = middle;
      else high = middle;
    }
    const span = (this.#u[high] as number) - (this.#u[low] as number);
    const part = span > 0 ? (u - (this.#u[low] as number)) / span : 0;
    const z = this.zMin + (low + part) * Z_STEP_MM;
    const radius = (this.#radiusAt[low] as number) * (1 - part) + (this.#radiusAt[high] as number) * part;
    return { z, u, angle: 0, cos: 1, sin: 0, radius, x: 0, y: 0, worldZ: z, hollow: 0 };
  }

  #bakeRelief(design: TubeDesign): Float32Array {
    const columns = this.#columns;
    const map = new Float32Array(this.#rows * columns);
    for (let row = 0; row < this.#rows; row++) {
      const place = this.#place(row, this.#rowsPerMm);
      const [centreX, centreY] = design.centre(place.z);
      for (let column = 0; column < columns; column++) {
        turnTo(place, column / columns, centreX, centreY, place.radius);
        map[row * columns + column] = Math.max(0.05, place.radius - design.relief(place));
      }
    }
    return map;
  }

  /** How steep the wall is near each z, which bounds how far a ray may go. */
  #bakeFactors(): void {
    const columns = this.#columns;
    const steps = this.#lastStep + 2;
    const steepest = new Float32Array(steps);
    for (let step = 0; step < steps; step++) {
      const next = Math.min(steps - 1, step + 1);
      const shift = Math.hypot(
        (this.#centreX[next] as number) - (this.#centreX[step] as number),
        (this.#centreY[next] as number) - (this.#centreY[step] as number),
      );
      const uSlope = (next > step ? (this.#u[next] as number) - (this.#u[step] as number) : Z_STEP_MM) / Z_STEP_MM;
      const row = Math.min(this.#rows - 2, Math.round((this.#u[step] as number) * this.#rowsPerMm));
      let steep = 0;
      let largest = 0;
      for (let column = 0; column < columns; column++) {
        const here = this.#relief[row * columns + column] as number;
        const along = Math.abs((this.#relief[(row + 1) * columns + column] as number) - here) * this.#rowsPerMm * uSlope;
        const around =
          (Math.abs((this.#relief[row * columns + ((column + 1) & (columns - 1))] as number) - here) * columns) /
          (2 * Math.PI * Math.max(1, here));
        const slope = Math.hypot(along + shift / Z_STEP_MM, around);
        if (slope > steep) steep = slope;
        if (here > largest) largest = here;
      }
      steepest[step] = steep;
      this.#largest[step] = largest;
    }
    const widest = Float32Array.from(this.#largest);
    for (let step = 0; step < steps; step++) {
      this.#nearFactor[step] = factorOf(maximumAround(steepest, step, NEAR_MM / Z_STEP_MM));
      this.#farFactor[step] = factorOf(maximumAround(steepest, step, FAR_MM / Z_STEP_MM));
      this.#largest[step] = maximumAround(widest, step, 2);
    }
  }

  #bakeColour(design: TubeDesign): Uint8Array {
    const columns = this.#columns * 2;
    const rows = this.#rows * 2 - 1;
    const map = new Uint8Array((rows + 1) * columns * 4);
    const hollows = this.#hollows();
    const paint: Paint = { red: 0, green: 0, blue: 0, gloss: 0 };
    for (let row = 0; row < rows; row++) {
      const place = this.#place(row, this.#rowsPerMm * 2);
      const [centreX, centreY] = design.centre(place.z);
      for (let column = 0; column < columns; column++) {
        const coarse = (row >> 1) * this.#columns + (column >> 1);
        turnTo(place, column / columns, centreX, centreY, this.#relief[coarse] as number);
        place.hollow = hollows[coarse] as number;
        design.paint(place, paint);
        const index = (row * columns + column) * 4;
        map[index] = Math.sqrt(Math.max(0, Math.min(1, paint.red))) * 255 + 0.5;
        map[index + 1] = Math.sqrt(Math.max(0, Math.min(1, paint.green))) * 255 + 0.5;
        map[index + 2] = Math.sqrt(Math.max(0, Math.min(1, paint.blue))) * 255 + 0.5;
        map[index + 3] = Math.max(0, Math.min(1, paint.gloss)) * 255 + 0.5;
      }
    }
    return map;
  }

  /** Wall minus its own blur over about 5 mm: where little light gets in. */
  #hollows(): Float32Array {
    const columns = this.#columns;
    const rows = this.#rows;
    const across = new Float32Array(rows * columns);
    const along = new Float32Array(rows * columns);
    for (let row = 0; row < rows; row++) {
      const middle = this.#relief[row * columns] as number;
      const reach = Math.max(1, Math.min(columns >> 2, Math.round((2.5 * columns) / (2 * Math.PI * Math.max(2, middle)))));
      let sum = 0;
      for (let offset = -reach; offset <= reach; offset++)
        sum += this.#relief[row * columns + ((offset + columns) & (columns - 1))] as number;
      for (let column = 0; column < columns; column++) {
        across[row * columns + column] = sum / (2 * reach + 1);
        sum += this.#relief[row * columns + ((column + reach + 1) & (columns - 1))] as number;
        sum -= this.#relief[row * columns + ((column - reach + columns) & (columns - 1))] as number;
      }
    }
    const reach = Math.max(1, Math.round(2.5 * this.#rowsPerMm));
    for (let column = 0; column < columns; column++) {
      for (let row = 0; row < rows; row++) {
        let sum = 0;
        let count = 0;
        for (let other = Math.max(0, row - reach); other <= Math.min(rows - 1, row + reach); other++, count++) {
          sum += across[other * columns + column] as number;
        }
        along[row * columns + column] = (this.#relief[row * columns + column] as number) - sum / count;
      }
    }
    return along;
  }
}

function turnTo(place: Place, turns: number, centreX: number, centreY: number, radius: number): void {
  const angle = (turns > 0.5 ? turns - 1 : turns) * 2 * Math.PI;
  place.angle = angle;
  place.cos = Math.cos(angle);
  place.sin = Math.sin(angle);
  place.x = centreX + radius * place.cos;
  place.y = centreY + radius * place.sin;
}

function factorOf(slope: number): number {
  // A wall that is steep all over closes the tube: crossing it is found and undone, so the step need not shrink to nothing.
  return Math.max(0.28, 1 / Math.sqrt(1 + slope * slope));
}

function maximumAround(values: Float32Array, index: number, reach: number): number {
  let maximum = 0;
  for (let other = Math.max(0, index - reach); other <= Math.min(values.length - 1, index + reach); other++) {
    if ((values[other] as number) > maximum) maximum = values[other] as number;
  }
  return maximum;
}

/** Angle in turns, 0…1, of a direction; odd polynomial fitted to the arc tangent, error below 3e-6 turns. */
function angleOf(y: number, x: number): number {
  const ax = x < 0 ? -x : x;
  const ay = y < 0 ? -y : y;
  const swap = ay > ax;
  const ratio = swap ? ax / ay : ay / (ax + 1e-12);
  const square = ratio * ratio;
  let turns = ratio * (0.15913126 + square * (-0.05253753 + square * (0.02855755 + square * (-0.01339863 + square * 0.00324889))));
  if (swap) turns = 0.25 - turns;
  if (x < 0) turns = 0.5 - turns;
  if (y < 0) turns = 1 - turns;
  return turns;
}
