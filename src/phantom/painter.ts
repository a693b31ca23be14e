import type { Anatomy } from './anatomy/anatomy.js';
import type { Disturbance } from './disturbance.js';
import { defocus, smear } from './effects/blur.js';
import { drawBubbles, foam, type Bubble } from './effects/bubbles.js';
import { colourCast, narrowBand, redOut, water } from './effects/optics.js';
import { Room } from './effects/room.js';
import { enhance, grain, interlace, starve } from './effects/video-chain.js';
import { makeLens, type Lens } from './lens.js';
import { FIELD_OF_HALF_EXPOSURE, type FramePlan, type ProcedureOptions } from './procedure.js';
import { develop, drawProcessor, exposureOf, type Processor } from './processor.js';
import { between, randomStream } from './random.js';
import { Renderer, type Pose, type Rod } from './render.js';
import { bareScreen, compose, processorScreen, type Screen } from './screen.js';
import { shaftRods } from './shaft.js';
import { add, dot, rotate, scale, type Vector } from './vector.js';

/** Draws the frames of one procedure, each on its own: any order and any worker gives the same pixels. */
export class Painter {
  readonly screen: Screen;
  readonly #anatomy: Anatomy;
  readonly #options: ProcedureOptions;
  readonly #processor: Processor;
  readonly #lens: Lens;
  readonly #renderer: Renderer;
  readonly #room: Room;
  readonly #cast: readonly [number, number, number];
  readonly #light: Float32Array;
  readonly #depth: Float32Array;
  readonly #view: Uint8ClampedArray;
  readonly #foam = new Map<number, readonly Bubble[]>();

  constructor(anatomy: Anatomy, options: ProcedureOptions) {
    this.#anatomy = anatomy;
    this.#options = options;
    this.screen = options.disturbances.includes('processor-screen')
      ? processorScreen(options.width, options.height, options.seed)
      : bareScreen(options.width, options.height);
    const { width, height } = this.screen.fieldOfView;
    this.#processor = drawProcessor(options.seed);
    this.#lens = makeLens({ width, height, ...this.#processor });
    this.#renderer = new Renderer(anatomy.scene(), this.#lens, { ...this.#processor, ambient: 0.3 });
    this.#room = new Room(options.seed);
    const random = randomStream(options.seed, 'cast');
    this.#cast = [between(random, 0.8, 1.2), between(random, 0.92, 1.1), between(random, 0.75, 1.3)];
    this.#light = new Float32Array(width * height * 3);
    this.#depth = new Float32Array(width * height);
    this.#view = new Uint8ClampedArray(width * height * 3);
  }

  /** One frame as RGB, `width * height * 3` bytes; owns its memory. */
  paint(frame: FramePlan): Uint8ClampedArray<ArrayBuffer> {
    const { width, height } = this.screen.fieldOfView;
    const light = this.#light;
    const lens = this.#lens;
    const noise = this.#anatomy.scene().noise;
    const strengthOf = (kind: Disturbance): number => frame.active.find(({ episode }) => episode.kind === kind)?.strength ?? 0;
    const outside = strengthOf('out-of-body') > 0;
    const pose = outside ? frame.pose : this.#heldInside(frame.pose);

    if (outside) {
      light.fill(0);
      this.#room.draw(pose, lens, light);
      defocus(light, width, height, width / 50);
    } else {
      this.#renderer.draw(pose, this.#rods(frame, pose), light, this.#depth);
      this.#drawFoam(frame, pose);
      if (strengthOf('water') > 0) water(light, width, height, strengthOf('water'), frame.timeS, noise);
      defocus(light, width, height, (strengthOf('defocus') * 5 + strengthOf('water') * 2 + frame.covered * 5) * (width / 320));
    }
    const motion = this.#motionPx(frame);
    if (this.#options.disturbances.includes('motion-blur') && Math.hypot(...motion) > 0.7)
      smear(light, width, height, 2 * motion[0], 2 * motion[1]);
    if (frame.covered > 0 && !outside) redOut(light, width, height, frame.covered, frame.timeS, noise, this.#options.seed);
    if (strengthOf('narrow-band') > 0.25 && !outside) narrowBand(light, 1);
    if (strengthOf('colour-cast') > 0) colourCast(light, this.#cast);

    const exposure = exposureOf(light, lens.lit, this.#processor.target);
    develop(light, lens.lit, this.#processor, exposure, this.#view);
    enhance(this.#view, width, height, this.#processor.enhancement);
    grain(this.#view, this.#processor.grain * Math.min(2, 0.6 + exposure * 0.12), this.#options.seed * 7919 + frame.index * 104729);
    this.#mask();
    if (strengthOf('interlacing') > 0) interlace(this.#view, width, height, motion[0] * FIELD_OF_HALF_EXPOSURE);
    const out = new Uint8ClampedArray(this.screen.width * this.screen.height * 3);
    compose(this.screen, this.#view, frame.timeS, out);
    const starved = strengthOf('compression');
    if (starved > 0) starve(out, this.screen.width, this.screen.height, 10 + 34 * starved);
    return out;
  }

  /** The pose moved to where the tip has room, as a real tip has to be. */
  #heldInside(pose: Pose): Pose {
    let position = pose.position;
    for (let round = 0; round < 8; round++) {
      const clear = this.#renderer.clearance(position);
      const wanted = 2.6;
      if (clear >= wanted) break;
      const e = 0.5;
      const gradient: Vector = [
        this.#renderer.clearance(add(position, [e, 0, 0])) - this.#renderer.clearance(add(position, [-e, 0, 0])),
        this.#renderer.clearance(add(position, [0, e, 0])) - this.#renderer.clearance(add(position, [0, -e, 0])),
        this.#renderer.clearance(add(position, [0, 0, e])) - this.#renderer.clearance(add(position, [0, 0, -e])),
      ];
      const steep = dot(gradient, gradient);
      if (steep < 1e-6) break;
      position = add(position, scale(gradient, ((Math.min(2, wanted - clear) + 0.1) * 2 * e) / steep));
    }
    return { position, orientation: pose.orientation };
  }

  #rods(frame: FramePlan, pose: Pose): Rod[] {
    const forward = rotate(pose.orientation, [0, 0, 1]);
    const entry = this.#anatomy.shaftEntry(pose.position, forward);
    const rods = entry === null ? [] : shaftRods(entry.at, entry.inward, pose, (point) => this.#renderer.clearance(point));
    const instrument = frame.active.find(({ episode }) => episode.kind === 'instrument');
    if (instrument !== undefined) rods.push(...this.#instrument(pose, forward, instrument.strength, instrument.episode.seed, frame.timeS));
    return rods;
  }

  /** A forceps that comes out of the working channel, below the lens. */
  #instrument(pose: Pose, forward: Vector, amount: number, seed: number, timeS: number): Rod[] {
    const random = randomStream(seed, 'instrument');
    const side = random() < 0.5 ? -1 : 1;
    const sheath = random() < 0.5 ? ([0.2, 0.22, 0.24] as const) : ([0.03, 0.1, 0.22] as const);
    const right = rotate(pose.orientation, [-1, 0, 0]);
    const up = rotate(pose.orientation, [0, 1, 0]);
    const place = (across: number, high: number, ahead: number): Vector =>
      add(pose.position, add(add(scale(right, across), scale(up, high)), scale(forward, ahead)));
    const room = this.#renderer.sight(pose.position, forward);
    const reach = Math.max(6, Math.min(room - 2, (8 + 5 * Math.sin(timeS * 1.3)) * amount + 5));
    const bend = 0.6 * Math.sin(timeS * 0.9);
    const from = place(side * 3.4, -3.6, 1);
    const joint = place(side * 1.6 + bend, -1.6, reach * 0.8);
    const open = 0.5 + 0.4 * Math.sin(timeS * 2);
    return [
      { from, to: joint, radius: 1, colour: sheath, gloss: 0.5, ringMm: 0 },
      { from: joint, to: place(side * 1.4 + bend + open, -1.1, reach), radius: 0.55, colour: [0.16, 0.16, 0.17], gloss: 1, ringMm: 0 },
      { from: joint, to: place(side * 1.2 + bend - open, -1.5, reach), radius: 0.55, colour: [0.16, 0.16, 0.17], gloss: 1, ringMm: 0 },
    ];
  }

  #drawFoam(frame: FramePlan, pose: Pose): void {
    const bubbles = frame.active.find(({ episode }) => episode.kind === 'bubbles');
    if (bubbles === undefined) return;
    const { episode, strength, middle } = bubbles;
    let lying = this.#foam.get(episode.seed);
    if (lying === undefined) {
      lying = foam(this.#renderer, this.#heldInside(middle), episode.seed, episode.strength);
      this.#foam.set(episode.seed, lying);
    }
    drawBubbles(
      lying,
      pose,
      { ...this.screen.fieldOfView, pixelRad: this.#lens.pixelRad },
      this.#light,
      this.#depth,
      Math.min(1, strength * 1.6),
    );
  }

  /** Movement of the middle of the picture during half an exposure, px right and down. */
  #motionPx({ motionRad }: FramePlan): readonly [number, number] {
    return [motionRad[0] / this.#lens.pixelRad, motionRad[1] / this.#lens.pixelRad];
  }

  #mask(): void {
    const { lit } = this.#lens;
    for (let index = 0; index < lit.length; index++) {
      if (lit[index] === 0) this.#view.fill(0, index * 3, index * 3 + 3);
    }
  }
}
