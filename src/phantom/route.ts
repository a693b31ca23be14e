import type { Anatomy, Leg, Station } from './anatomy/anatomy.js';
import { between, randomStream } from './random.js';
import type { Pose } from './render.js';
import { catmull } from './shaft.js';
import {
  add,
  compose,
  dot,
  lengthOf,
  lookRotation,
  mix,
  rotate,
  scale,
  slerp,
  subtract,
  turn,
  type Quaternion,
  type Vector,
} from './vector.js';

/** One instant of the tip's way. */
export interface Waypoint {
  readonly pose: Pose;
  /** 0 at rest … 1 while slipping through a place where the wall closes over the lens. */
  readonly blind: number;
}

/** The tip's way through a patient over time. */
export interface Route {
  readonly durationS: number;
  at(timeS: number): Waypoint;
}

interface Key {
  readonly position: Vector;
  readonly orientation: Quaternion;
}

interface Stretch {
  readonly startS: number;
  readonly endS: number;
  /** One key for a stay, two or more for a way; ways are eased at both ends. */
  readonly keys: readonly Key[];
  readonly cumulative: readonly number[];
  readonly sway: Station['sway'];
  readonly nextSway: Station['sway'];
  readonly slip: boolean;
}

export interface RouteOptions {
  readonly seed: number;
  readonly durationS: number;
  /** Whether parts of the examination are left out as this examiner does; default false: every station is visited. */
  readonly omissions?: boolean;
}

const CALM: Station['sway'] = { acrossMm: 0.8, alongMm: 0.8, turnDeg: 4, rollDeg: 6 };
const SPEED_MM_S = 26;
const SPEED_DEG_S = 55;
const SLIP_S = 1.1;
const SHORTEST_STAY_S = 2.2;

/** Lays the legs of an anatomy out over time, with the unrest of a hand and of a breathing patient. */
export function planRoute(anatomy: Anatomy, { seed, durationS, omissions = false }: RouteOptions): Route {
  const random = randomStream(seed, anatomy.tract, 'route');
  const legs = legsWithout(anatomy.route, omissions ? partsLeftOut(anatomy, seed) : new Set());
  const stretches = layOut(anatomy, legs, durationS, () => between(random, 0.6, 1.5));
  const unrest = new Unrest(seed, anatomy.tract);
  return {
    durationS,
    at: (timeS) => {
      const stretch = stretches.find(({ endS }) => timeS < endS) ?? stretches.at(-1);
      if (stretch === undefined) return { pose: { position: [0, 0, 0], orientation: [0, 0, 0, 1] }, blind: 0 };
      const part = ease((timeS - stretch.startS) / Math.max(1e-6, stretch.endS - stretch.startS));
      const { position, orientation } = along(stretch, part);
      const blind = stretch.slip ? Math.min(1, 4 * part * (1 - part) * 1.6) : 0;
      return {
        pose: unrest.apply(
          { position, orientation },
          mixSway(stretch.sway, stretch.nextSway, part),
          timeS,
          stretch.keys.length === 1 ? 1 : 1 - 2.4 * part * (1 - part),
        ),
        blind,
      };
    },
  };
}

/**
 * How much of a station's landmark the tip sees from a pose, 0…1: 1 at the station, 0.5 at the limit of its place or direction,
 * 0 well outside.
 */
export function visibilityFrom(station: Station, pose: Pose): number {
  const away = lengthOf(subtract(pose.position, station.position)) / station.limit.mm;
  const forward = rotate(pose.orientation, [0, 0, 1]);
  const aside = (Math.acos(Math.max(-1, Math.min(1, dot(forward, station.look)))) * 180) / Math.PI / station.limit.deg;
  return Math.max(0, Math.min(1, 1.5 - Math.max(away, aside)));
}

/** The parts of the examination that this patient's examiner leaves out. */
function partsLeftOut({ omissible, tract }: Anatomy, seed: number): ReadonlySet<string> {
  const random = randomStream(seed, tract, 'omissions');
  return new Set(omissible.flatMap(({ part, share, takes = [] }) => (random() < share ? [part, ...takes] : [])));
}

function legsWithout(legs: readonly Leg[], left: ReadonlySet<string>): readonly Leg[] {
  return legs.filter(({ part, instead }) => (part === undefined || !left.has(part)) && (instead === undefined || left.has(instead)));
}

function layOut(anatomy: Anatomy, legs: readonly Leg[], durationS: number, shareFactor: () => number): Stretch[] {
  const ways: { keys: Key[]; slip: boolean; naturalS: number; from: Station | null; to: Station | null }[] = [];
  const stays: { station: Station; weight: number }[] = [];
  const order: ({ way: number } | { stay: number })[] = [];
  let keys: Key[] = [];
  let from: Station | null = null;
  let slip = false;
  const closeWay = (to: Station | null): void => {
    if (keys.length > 1) {
      order.push({ way: ways.length });
      ways.push({ keys, slip, naturalS: slip ? SLIP_S : timeOf(keys), from, to });
    }
    slip = false;
  };
  for (const leg of legs) {
    if (leg.type === 'slip') {
      closeWay(null);
      keys = keys.slice(-1);
      slip = true;
      continue;
    }
    const key = keyOf(leg, anatomy);
    keys.push(key);
    if (slip && leg.type === 'pass') {
      closeWay(null);
      keys = [key];
    }
    if (leg.type === 'stay') {
      const station = anatomy.stations.get(leg.landmark) ?? null;
      closeWay(station);
      if (station !== null) {
        order.push({ stay: stays.length });
        stays.push({ station, weight: leg.share * shareFactor() });
      }
      keys = [key];
      from = station;
    }
  }
  closeWay(null);

  const wayS = ways.reduce((sum, way) => sum + way.naturalS, 0);
  const hurry = Math.max(1, wayS / Math.max(1, durationS - SHORTEST_STAY_S * stays.length));
  const restS = Math.max(0, durationS - wayS / hurry - SHORTEST_STAY_S * stays.length);
  const weights = stays.reduce((sum, { weight }) => sum + weight, 0);
  let timeS = 0;
  return order.map((item) => {
    const startS = timeS;
    if ('way' in item) {
      const way = ways[item.way] as (typeof ways)[number];
      timeS += way.naturalS / hurry;
      const sway = way.from?.sway ?? CALM;
      return { startS, endS: timeS, keys: way.keys, cumulative: lengths(way.keys), sway, nextSway: way.to?.sway ?? CALM, slip: way.slip };
    }
    const { station, weight } = stays[item.stay] as (typeof stays)[number];
    timeS += SHORTEST_STAY_S + (restS * weight) / weights;
    const key = stationKey(station);
    return { startS, endS: timeS, keys: [key], cumulative: [0], sway: station.sway, nextSway: station.sway, slip: false };
  });
}

function keyOf(leg: Exclude<Leg, { type: 'slip' }>, anatomy: Anatomy): Key {
  if (leg.type === 'pass') return { position: leg.position, orientation: lookRotation(leg.look, leg.up) };
  const station = anatomy.stations.get(leg.landmark);
  if (station === undefined) throw new Error(`The route of the ${anatomy.tract} tract names the unknown station ${leg.landmark}.`);
  return stationKey(station);
}

function stationKey(station: Station): Key {
  return { position: station.position, orientation: lookRotation(station.look, station.up) };
}

function timeOf(keys: readonly Key[]): number {
  let seconds = 0;
  for (let index = 1; index < keys.length; index++) {
    const a = keys[index - 1] as Key;
    const b = keys[index] as Key;
    const mm = lengthOf(subtract(b.position, a.position));
    const cosine = dot(rotate(a.orientation, [0, 0, 1]), rotate(b.orientation, [0, 0, 1]));
    const degrees = (Math.acos(Math.max(-1, Math.min(1, cosine))) * 180) / Math.PI;
    seconds += Math.max(mm / SPEED_MM_S, degrees / SPEED_DEG_S, 0.25);
  }
  return Math.max(0.7, seconds);
}

function lengths(keys: readonly Key[]): number[] {
  const sums = [0];
  for (let index = 1; index < keys.length; index++) {
    sums.push((sums[index - 1] as number) + timeOf([keys[index - 1] as Key, keys[index] as Key]));
  }
  return sums;
}

function along({ keys, cumulative, slip }: Stretch, part: number): Key {
  const first = keys[0] as Key;
  if (keys.length === 1) return first;
  // Slipping through is a jump behind closed eyes.
  if (slip) return part < 0.5 ? first : (keys.at(-1) as Key);
  const distance = part * (cumulative.at(-1) as number);
  let index = 0;
  while (index < keys.length - 2 && (cumulative[index + 1] as number) < distance) index++;
  const start = cumulative[index] as number;
  const within = Math.max(0, Math.min(1, (distance - start) / Math.max(1e-9, (cumulative[index + 1] as number) - start)));
  const a = keys[index] as Key;
  const b = keys[index + 1] as Key;
  const straight = mix(a.position, b.position, within);
  const curved = catmull(
    keys.map(({ position }) => position),
    index + within,
  );
  return { position: mix(straight, curved, 0.6), orientation: slerp(a.orientation, b.orientation, ease(within) * 0.5 + within * 0.5) };
}

/** Slow wandering of a hand-held tip: sums of sines whose periods share no common multiple. */
class Unrest {
  readonly #waves: readonly (readonly { hz: number; phase: number; weight: number }[])[];

  constructor(seed: number, tract: string) {
    const random = randomStream(seed, tract, 'unrest');
    this.#waves = Array.from({ length: 6 }, () =>
      [0.07, 0.16, 0.34, 0.71, 1.6].map((hz, order) => ({
        hz: hz * between(random, 0.75, 1.3),
        phase: between(random, 0, 2 * Math.PI),
        weight: [0.5, 0.42, 0.26, 0.12, 0.045][order] as number,
      })),
    );
  }

  /** `room` 0…1 is how much of the wandering a place leaves room for. */
  apply(pose: Key, sway: Station['sway'], timeS: number, room: number): Pose {
    const [acrossX, acrossY, forth, yaw, pitch, roll] = this.#waves.map((waves) =>
      waves.reduce((sum, { hz, phase, weight }) => sum + weight * Math.sin(2 * Math.PI * hz * timeS + phase), 0),
    ) as [number, number, number, number, number, number];
    const right = rotate(pose.orientation, [-1, 0, 0]);
    const up = rotate(pose.orientation, [0, 1, 0]);
    const forward = rotate(pose.orientation, [0, 0, 1]);
    const position = add(
      pose.position,
      add(
        add(scale(right, room * acrossX * sway.acrossMm), scale(up, room * acrossY * sway.acrossMm)),
        scale(forward, room * forth * sway.alongMm),
      ),
    );
    const degree = Math.PI / 180;
    const turned = compose(
      compose(turn([0, 1, 0], yaw * sway.turnDeg * degree), turn([1, 0, 0], pitch * sway.turnDeg * degree)),
      turn([0, 0, 1], roll * sway.rollDeg * degree),
    );
    return { position, orientation: compose(pose.orientation, turned) };
  }
}

function mixSway(a: Station['sway'], b: Station['sway'], weight: number): Station['sway'] {
  const blend = (x: number, y: number): number => x + (y - x) * weight;
  return {
    acrossMm: blend(a.acrossMm, b.acrossMm),
    alongMm: blend(a.alongMm, b.alongMm),
    turnDeg: blend(a.turnDeg, b.turnDeg),
    rollDeg: blend(a.rollDeg, b.rollDeg),
  };
}

function ease(part: number): number {
  const clipped = Math.max(0, Math.min(1, part));
  return clipped * clipped * (3 - 2 * clipped);
}
