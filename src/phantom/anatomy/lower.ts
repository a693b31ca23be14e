import { Noise } from '../noise.js';
import { bell, between, randomStream, wholeBetween, type Random } from '../random.js';
import {
  bump,
  drawComplexion,
  individual,
  paintMucosa,
  paintVessel,
  smooth,
  styleBetween,
  tint,
  vesselNet,
  type MucosaStyle,
} from '../tissue.js';
import { Tube, type Paint, type TubeDesign } from '../tube.js';
import { normalize, subtract, type Vector } from '../vector.js';
import { lazily, partOf, tilted, type Anatomy, type Leg, type Omissible, type Station } from './anatomy.js';
import { angleBetween, dome, mixPaint, triangle } from './shapes.js';

interface Segment {
  readonly name: string;
  readonly from: number;
  readonly to: number;
  readonly radius: number;
  /** Sideways wandering of the centre line, mm, and its wave length. */
  readonly bendMm: number;
  readonly waveMm: number;
  readonly pitchMm: number;
  readonly depthMm: number;
  readonly widthMm: number;
  /** 0 ring-shaped folds … 1 folds that leave a triangle open. */
  readonly triangular: number;
}

interface Fold {
  readonly z: number;
  readonly depth: number;
  readonly width: number;
  readonly triangular: number;
  /** Where the fold stands; with `halfArc` π it goes all round. */
  readonly angle: number;
  readonly halfArc: number;
  readonly tilt: number;
}

const FOLD_REACH_MM = 12;

/**
 * Anal canal, colon and terminal ileum of one patient. World axes: z from the anus (0) to the caecum; the bends are laid out along it, so
 * that the colon is a straight tube that wanders sideways. The ileum lies apart: the tip slips into it through the valve.
 */
export function lowerAnatomy(seed: number): Anatomy {
  const random = randomStream(seed, 'lower', 'shape');
  const noise = new Noise(randomStream(seed, 'lower', 'noise'));
  const complexion = drawComplexion(randomStream(seed, 'complexion'));
  const hues = randomStream(seed, 'lower', 'hues');

  const segments = drawSegments(random);
  const folds = drawFolds(segments, random);
  const [rectum, sigmoid, descending, transverse, ascending] = segments as [Segment, Segment, Segment, Segment, Segment];
  const poleZ = ascending.to + between(random, 64, 72);
  const domeZ = poleZ - between(random, 30, 35);
  const taenia = between(random, 0, 2);
  const bendPhases = segments.map(() => [between(random, 0, 6.28), between(random, 0, 6.28)] as const);
  const flexureTurn = between(random, 0, 6.28);

  const colonCentre = (z: number): readonly [number, number] => {
    let x = 0;
    let y = 0;
    for (const [index, segment] of segments.entries()) {
      const weight = smooth(segment.from - 12, segment.from + 16, z) * smooth(segment.to + 12, segment.to - 16, z);
      if (weight === 0) continue;
      const [a, b] = bendPhases[index] as readonly [number, number];
      x += weight * segment.bendMm * Math.sin((2 * Math.PI * z) / segment.waveMm + a);
      y += weight * segment.bendMm * 0.8 * Math.sin((2 * Math.PI * z) / (segment.waveMm * 1.27) + b);
    }
    // The flexures: the lumen leaves to one side and comes back.
    for (const [index, flexure] of [descending.to, transverse.to].entries()) {
      const swing = 26 * bump(z - flexure, 20);
      x += swing * Math.cos(flexureTurn + index * 2.4);
      y += swing * Math.sin(flexureTurn + index * 2.4);
    }
    const calm = smooth(6, 50, z) * smooth(poleZ - 20, poleZ - 75, z);
    return [x * calm, y * calm];
  };
  const colonRadius = (z: number): number => {
    const last = segments.at(-1) as Segment;
    let radius = z >= last.to ? last.radius + 2 : rectum.radius;
    for (const [index, segment] of segments.entries()) {
      if (index > 0) radius += (segment.radius - (segments[index - 1] as Segment).radius) * smooth(segment.from - 10, segment.from + 14, z);
      if (z >= last.to) break;
    }
    if (z >= last.to) radius = last.radius + 2 * smooth(last.to, last.to + 20, z);
    return radius * dome((z - domeZ) / (poleZ - domeZ)) * dome((17 - z) / 17);
  };

  // Caecum: valve on a fold, orifice of the appendix off the pole, three folds that run together at it.
  const valveAngle = between(random, 0, 2 * Math.PI);
  const valveZ = ascending.to + between(random, 14, 20);
  const valveLong = between(random, 12, 16);
  const valveHigh = between(random, 8.5, 12);
  const orificeAngle = valveAngle + between(random, 1.7, 2.6);
  const orificeZ = domeZ + (poleZ - domeZ) * between(random, 0.66, 0.78);
  const orificeRadius = colonRadius(orificeZ);
  const orifice: Vector = [orificeRadius * Math.cos(orificeAngle), orificeRadius * Math.sin(orificeAngle), orificeZ];
  const orificeWidth = between(random, 1.5, 2.3);
  const crescentTurn = between(random, 0, 6.28);

  // Anus and rectum.
  const canalX = between(random, -6, -3);
  const columns = wholeBetween(random, 8, 11);
  const canalRadius = between(random, 5, 5.8);

  // Ileum, apart from the colon.
  const ileumX = 300;
  const ileumRadius = between(random, 8.5, 10.5);
  const ileumEnd = valveZ + 110;
  const ileumPhase = between(random, 0, 6.28);
  const ileumCentre = (z: number): readonly [number, number] => {
    const far = (z - valveZ) / 34;
    return [ileumX + 10 * Math.sin(far + ileumPhase), 8 * Math.sin(far * 0.8 + ileumPhase * 2)];
  };

  const colonic: MucosaStyle = {
    colour: individual(tint(226, 160, 132), complexion, hues),
    mottle: 0.13,
    mottleMm: 13,
    grain: 0.03,
    grainMm: 1,
    gloss: 0.85,
  };
  const rectal: MucosaStyle = {
    colour: individual(tint(224, 138, 118), complexion, hues),
    mottle: 0.16,
    mottleMm: 11,
    grain: 0.03,
    grainMm: 1,
    gloss: 0.85,
  };
  const caecal: MucosaStyle = {
    colour: individual(tint(222, 160, 124), complexion, hues),
    mottle: 0.16,
    mottleMm: 9,
    grain: 0.04,
    grainMm: 0.9,
    gloss: 0.8,
  };
  const anal: MucosaStyle = {
    colour: individual(tint(226, 176, 160), complexion, hues),
    mottle: 0.2,
    mottleMm: 4,
    grain: 0.03,
    grainMm: 0.8,
    gloss: 0.6,
  };
  const valve: MucosaStyle = {
    colour: individual(tint(236, 172, 118), complexion, hues),
    mottle: 0.1,
    mottleMm: 4,
    grain: 0.06,
    grainMm: 0.6,
    gloss: 0.9,
  };
  const ileal: MucosaStyle = {
    colour: individual(tint(226, 150, 108), complexion, hues),
    mottle: 0.12,
    mottleMm: 6,
    grain: 0.34,
    grainMm: 0.5,
    gloss: 0.7,
  };
  folds.push({ z: valveZ + 3, depth: 7, width: 3.4, triangular: 0, angle: valveAngle, halfArc: 1.9, tilt: 1 });
  const { vascularity } = complexion;
  const over: Paint = { red: 0, green: 0, blue: 0, gloss: 0 };

  const colon: TubeDesign = {
    name: 'colon',
    jointMm: 4,
    zMin: 0,
    zMax: poleZ,
    centre: colonCentre,
    radius: colonRadius,
    relief: (place) => {
      let relief = 0.9 * noise.fractal(place.x * 0.05, place.y * 0.05, place.z * 0.05, 2);
      for (const fold of folds) {
        const away = place.z - fold.z;
        if (away > FOLD_REACH_MM || away < -FOLD_REACH_MM) continue;
        const lean = fold.tilt * Math.cos(place.angle - fold.angle * 1.7) + 1.2 * noise.at(place.cos * 1.3 + fold.z, place.sin * 1.3, 4);
        const arc = fold.halfArc >= Math.PI ? 1 : smooth(fold.halfArc + 0.5, fold.halfArc - 0.3, angleBetween(place.angle, fold.angle));
        const ring = fold.depth * (0.75 + 0.35 * noise.at(place.cos + fold.z * 0.7, place.sin, 9));
        const side = Math.max(0, place.radius - (place.radius - fold.depth) * triangle(place.angle - taenia));
        relief += (ring + fold.triangular * (side - ring)) * arc * bump(away - lean, fold.width);
      }
      // Three bands of muscle hold the wall in.
      const haustra = smooth(descending.from, transverse.from, place.z) * smooth(domeZ + 20, domeZ, place.z);
      relief += haustra * 1.1 * Math.max(0, Math.cos(3 * (place.angle - taenia)));
      if (place.z > valveZ - 20 && place.z < valveZ + 20) {
        const along = (place.z - valveZ) / 8;
        const around = (angleBetween(place.angle, valveAngle) * place.radius) / valveLong;
        const lips = Math.exp(-((along * along + around * around) ** 1.6));
        const slit = Math.exp(-((along * 10) ** 2)) * smooth(0.7, 0.35, around);
        relief += lips * valveHigh - slit * lips * valveHigh * 0.5;
      }
      if (place.z > domeZ - 10) {
        const dx = place.x - orifice[0];
        const dy = place.y - orifice[1];
        const dz = place.z - orifice[2];
        const away = Math.sqrt(dx * dx + dy * dy + dz * dz);
        const turn = Math.atan2(dz, -dx * Math.sin(orificeAngle) + dy * Math.cos(orificeAngle));
        const crescent = bump(away - orificeWidth * 1.9, 1.5) * (0.55 + 0.45 * Math.cos(turn - crescentTurn));
        const hole = bump(away, orificeWidth);
        const star = Math.abs(Math.sin((3 * (turn + crescentTurn)) / 2 + 0.4 * noise.at(away * 0.15, 3, 8)));
        const radiate = (1 - star) ** 1.3 * smooth(4, 11, away) * smooth(38, 20, away);
        relief += 2.4 * crescent - 3.2 * hole + 5 * radiate;
      }
      const low = smooth(15, 5, place.z);
      if (low > 0)
        relief += low * 1.5 * Math.abs(Math.cos((columns * place.angle) / 2)) * smooth(canalRadius, canalRadius + 5, place.radius);
      return relief;
    },
    paint: (place, paint) => {
      const toColon = styleBetween(rectal, colonic, smooth(60, 115, place.z));
      const style = styleBetween(toColon, caecal, smooth(ascending.to - 30, ascending.to + 25, place.z));
      paintMucosa(place, paint, style, noise, complexion);
      const near = smooth(70, 95, place.z);
      const net = vesselNet(place, noise, 11);
      paintVessel(paint, vascularity * (0.62 + 0.15 * near) * net);
      const spleen = bump(place.z - descending.to, 15) * smooth(0.2, 0.8, Math.cos(place.angle - flexureTurn));
      const liver = bump(place.z - transverse.to, 17) * smooth(0, 0.8, Math.cos(place.angle - flexureTurn - 2.4));
      const blue = 0.45 * Math.max(spleen, liver);
      paint.red *= 1 - 0.55 * blue;
      paint.green *= 1 - 0.3 * blue;
      if (place.z > valveZ - 16 && place.z < valveZ + 16) {
        const along = (place.z - valveZ) / 8.5;
        const around = (angleBetween(place.angle, valveAngle) * place.radius) / (valveLong * 1.05);
        const share = smooth(1.3, 0.75, Math.hypot(along, around));
        if (share > 0) {
          paintMucosa(place, over, valve, noise, complexion);
          const slit = Math.exp(-((along * 9) ** 2)) * smooth(0.65, 0.35, around);
          over.red *= 1 - 0.6 * slit;
          over.green *= 1 - 0.72 * slit;
          over.blue *= 1 - 0.75 * slit;
          mixPaint(paint, over, share);
        }
      }
      if (place.z > domeZ) {
        const away = Math.hypot(place.x - orifice[0], place.y - orifice[1], place.z - orifice[2]);
        const dark = bump(away, orificeWidth * 0.85);
        paint.red *= 1 - 0.75 * dark;
        paint.green *= 1 - 0.85 * dark;
        paint.blue *= 1 - 0.85 * dark;
      }
      const toAnus = Math.hypot(place.x - canalX, place.y);
      const verge = place.z < 12 ? smooth(canalRadius + 6, canalRadius + 1.5, toAnus + 1.6 * Math.cos(columns * place.angle)) : 0;
      if (verge > 0) {
        paintMucosa(place, over, anal, noise, complexion);
        mixPaint(paint, over, verge);
      }
    },
  };

  const canal: TubeDesign = {
    name: 'anal-canal',
    jointMm: 4,
    zMin: -34,
    zMax: 9,
    centre: () => [canalX, 0],
    radius: (z) => canalRadius * (1 - 0.25 * bump(z + 14, 9)),
    relief: (place) => 0.8 * Math.abs(Math.cos((columns * place.angle) / 2)) + 0.4 * noise.at(place.cos * 2, place.sin * 2, place.z * 0.2),
    paint: (place, paint) => {
      paintMucosa(place, paint, anal, noise, complexion);
      paintVessel(paint, 0.5 * smooth(-6, 2, place.z) * smooth(0.2, 0.9, noise.at(place.cos * 3, place.sin * 3, place.z * 0.2)));
    },
  };

  const ileum: TubeDesign = {
    name: 'ileum',
    jointMm: 2,
    zMin: valveZ - 12,
    zMax: ileumEnd,
    centre: ileumCentre,
    radius: (z) => ileumRadius * dome((z - ileumEnd + 12) / 12) * dome((valveZ - z) / 12),
    relief: (place) => {
      const f = 1 / 4.2;
      const node = smooth(0.42, 0.75, noise.at(place.x * f, place.y * f, place.z * f)) * 1.1;
      const lane = (place.z + 3 * noise.at(place.cos, place.sin, place.z * 0.05)) / 12;
      const soft =
        1.1 *
        bump((lane - Math.round(lane)) * 12, 2.2) *
        smooth(-0.3, 0.3, noise.at(place.cos * 1.2 + Math.round(lane) * 5, place.sin * 1.2, 2));
      return node + soft + 0.6 * noise.fractal(place.x * 0.1, place.y * 0.1, place.z * 0.1, 2);
    },
    paint: (place, paint) => {
      paintMucosa(place, paint, ileal, noise, complexion);
      const f = 1 / 4.2;
      const node = smooth(0.42, 0.75, noise.at(place.x * f, place.y * f, place.z * f));
      paint.green *= 1 + 0.14 * node;
      paint.blue *= 1 + 0.18 * node;
      paintVessel(paint, 0.2 * vascularity * vesselNet(place, noise, 8));
    },
  };

  const bake = { reliefMm: 0.6, columns: 256 };
  const scene = lazily(() => ({ tubes: [colon, canal, ileum].map((design) => new Tube(design, bake)), noise }));

  const at = (z: number, dx = 0, dy = 0): Vector => [colonCentre(z)[0] + dx, colonCentre(z)[1] + dy, z];
  const toward = (from: Vector, to: Vector): Vector => normalize(subtract(to, from));
  const ahead = (z: number, far = 34): Vector => toward(at(z), at(z + far));
  const up: Vector = [0.2 * bell(random), 1, 0];
  const habits = randomStream(seed, 'lower', 'habits');
  const stations = new Map<string, Station>();
  const station = (
    landmark: string,
    position: Vector,
    look: Vector,
    upward: Vector,
    sway: Station['sway'],
    limit: Station['limit'],
  ): void => {
    stations.set(landmark, tilted({ landmark, position, look, up: upward, sway, limit }, habits));
  };
  const roaming = { acrossMm: 3, alongMm: 16, turnDeg: 12, rollDeg: 25 };
  const middle = ({ from, to }: Segment): number => (from + to) / 2;
  station('rectum', at(26), ahead(26, 40), up, { acrossMm: 4, alongMm: 8, turnDeg: 11, rollDeg: 25 }, { mm: 24, deg: 38 });
  for (const [landmark, segment] of [
    ['sigmoid', sigmoid],
    ['descending-colon', descending],
    ['transverse-colon', transverse],
    ['ascending-colon', ascending],
  ] as const) {
    station(landmark, at(middle(segment)), ahead(middle(segment)), up, roaming, { mm: (segment.to - segment.from) * 0.4, deg: 45 });
  }
  const outward = (angle: number, mm: number): readonly [number, number] => [Math.cos(angle) * mm, Math.sin(angle) * mm];
  const valvePoint: Vector = [...outward(valveAngle, colonRadius(valveZ) - valveHigh * 0.6), valveZ];
  const [vx, vy] = outward(valveAngle, -7);
  const valveView = at(valveZ - 19, vx, vy);
  station(
    'ileocecal-valve',
    valveView,
    toward(valveView, valvePoint),
    up,
    { acrossMm: 3, alongMm: 4, turnDeg: 8, rollDeg: 28 },
    { mm: 13, deg: 26 },
  );
  const cecumView = at(domeZ - 20);
  station(
    'cecum',
    cecumView,
    toward(cecumView, [orifice[0] * 0.5, orifice[1] * 0.5, poleZ]),
    up,
    { acrossMm: 3.5, alongMm: 5, turnDeg: 9, rollDeg: 28 },
    { mm: 14, deg: 32 },
  );
  const inward = normalize([-orifice[0] * 0.75, -orifice[1] * 0.75, -26]);
  const orificeView: Vector = [orifice[0] + inward[0] * 15, orifice[1] + inward[1] * 15, orifice[2] + inward[2] * 15];
  station(
    'appendiceal-orifice',
    orificeView,
    toward(orificeView, orifice),
    up,
    { acrossMm: 2, alongMm: 2.5, turnDeg: 8, rollDeg: 28 },
    { mm: 8, deg: 30 },
  );
  const ileumAt = (z: number): Vector => [...ileumCentre(z), z];
  const ileumView = ileumAt(valveZ + 34);
  station(
    'terminal-ileum',
    ileumView,
    toward(ileumView, ileumAt(valveZ + 62)),
    up,
    { acrossMm: 1.8, alongMm: 7, turnDeg: 13, rollDeg: 25 },
    { mm: 26, deg: 45 },
  );
  const retro = at(44, 5, 0);
  station(
    'retroflex-rectum',
    retro,
    toward(retro, [canalX + 2, 0, 0]),
    [-1, 0, 0],
    { acrossMm: 3, alongMm: 4.5, turnDeg: 9, rollDeg: 26 },
    { mm: 15, deg: 32 },
  );

  const pass = (position: Vector, look: Vector, upward: Vector = up): Leg => ({
    type: 'pass',
    position,
    look: normalize(look),
    up: upward,
  });
  const stay = (landmark: string, share = 1): Leg => ({ type: 'stay', landmark, share });
  const through = (from: number, to: number): Leg[] => {
    const steps = Math.max(1, Math.round(Math.abs(to - from) / 16));
    return Array.from({ length: steps }, (_, step) => {
      const z = from + ((to - from) * (step + 0.5)) / steps;
      return pass(at(z), ahead(z));
    });
  };
  const atValve = pass(valveView, toward(valveView, valvePoint));
  const slip: Leg = { type: 'slip' };
  const route: Leg[] = [
    pass([canalX, 0, -20], [0, 0, 1]),
    pass([canalX, 0, 4], [0.2, 0, 1]),
    stay('rectum'),
    ...through(30, middle(sigmoid)),
    stay('sigmoid', 1.2),
    ...through(middle(sigmoid), middle(descending)),
    stay('descending-colon'),
    ...partOf('beyond-splenic-flexure', ...through(middle(descending), middle(transverse)), stay('transverse-colon', 1.2)),
    ...partOf(
      'beyond-hepatic-flexure',
      ...through(middle(transverse), middle(ascending)),
      stay('ascending-colon', 1.2),
      ...partOf(
        'cecum',
        ...through(middle(ascending), valveZ - 24),
        stay('ileocecal-valve', 1.2),
        stay('cecum', 1.2),
        ...partOf('appendiceal-orifice', stay('appendiceal-orifice', 1.2)),
        pass(at(domeZ - 20), [0, 0, 1]),
        atValve,
        ...partOf(
          'terminal-ileum',
          slip,
          pass(ileumAt(valveZ + 6), toward(ileumAt(valveZ + 6), ileumAt(valveZ + 30))),
          stay('terminal-ileum', 1.2),
          pass(ileumAt(valveZ + 4), toward(ileumAt(valveZ + 4), ileumAt(valveZ + 30))),
          slip,
          atValve,
        ),
        ...through(valveZ - 24, middle(ascending)),
        stay('ascending-colon', 0.3),
      ),
      ...through(middle(ascending), middle(transverse)),
    ),
    ...partOf('beyond-splenic-flexure', stay('transverse-colon', 0.3), ...through(middle(transverse), middle(descending))),
    stay('descending-colon', 0.3),
    ...through(middle(descending), middle(sigmoid)),
    stay('sigmoid', 0.3),
    ...through(middle(sigmoid), 34),
    stay('rectum', 0.4),
    ...partOf(
      'retroflex-rectum',
      pass(at(40), ahead(40)),
      pass(at(48, 2, 2), [-1, 0.3, 0.3], [0, 0, 1]),
      stay('retroflex-rectum', 1.4),
      pass(at(40, 2, 2), [1, 0.3, -0.3], [0, 0, 1]),
      stay('rectum', 0.2),
    ),
    pass([canalX, 0, 2], [0.1, 0, 1]),
    pass([canalX, 0, -22], [0, 0, 1]),
  ];
  const omissible: Omissible[] = [
    { part: 'beyond-splenic-flexure', share: 0.06, takes: ['beyond-hepatic-flexure', 'cecum', 'appendiceal-orifice', 'terminal-ileum'] },
    { part: 'beyond-hepatic-flexure', share: 0.08, takes: ['cecum', 'appendiceal-orifice', 'terminal-ileum'] },
    { part: 'cecum', share: 0.08, takes: ['appendiceal-orifice', 'terminal-ileum'] },
    { part: 'appendiceal-orifice', share: 0.2 },
    { part: 'terminal-ileum', share: 0.4 },
    { part: 'retroflex-rectum', share: 0.25 },
  ];

  return {
    tract: 'lower',
    scene,
    stations,
    route,
    omissible,
    siteAt: ([x, , z]) => {
      if (x > ileumX - 60) return 'terminal-ileum';
      if (z < 0) return 'anal-canal';
      if (z > valveZ - 4) return 'cecum';
      return segments.find((segment) => z < segment.to)?.name ?? 'ascending-colon';
    },
    shaftEntry: ([x, , z], look) =>
      x < ileumX - 60 && z > 8 && z < 90 && look[2] < 0.3 ? { at: [canalX, 0, 2], inward: [0, 0, 1] } : null,
  };
}

function drawSegments(random: Random): Segment[] {
  let z = 0;
  const segment = (name: string, length: number, rest: Omit<Segment, 'name' | 'from' | 'to'>): Segment => {
    const from = z;
    z += length * between(random, 0.92, 1.08);
    return { name, from, to: z, ...rest };
  };
  const vary = (value: number, share = 0.12): number => value * between(random, 1 - share, 1 + share);
  return [
    segment('rectum', 92, { radius: vary(21), bendMm: vary(5), waveMm: 110, pitchMm: 22, depthMm: vary(9), widthMm: 3.4, triangular: 0 }),
    segment('sigmoid', 125, {
      radius: vary(14.5),
      bendMm: vary(14, 0.2),
      waveMm: vary(74),
      pitchMm: vary(15),
      depthMm: vary(4.6),
      widthMm: 3.6,
      triangular: 0,
    }),
    segment('descending-colon', 120, {
      radius: vary(16),
      bendMm: vary(5),
      waveMm: vary(150),
      pitchMm: vary(29),
      depthMm: vary(3.2),
      widthMm: 2,
      triangular: 0.15,
    }),
    segment('transverse-colon', 125, {
      radius: vary(18.5),
      bendMm: vary(5),
      waveMm: vary(150),
      pitchMm: vary(20),
      depthMm: vary(9.5),
      widthMm: 2.3,
      triangular: 1,
    }),
    segment('ascending-colon', 120, {
      radius: vary(24),
      bendMm: vary(5),
      waveMm: vary(150),
      pitchMm: vary(25),
      depthMm: vary(9),
      widthMm: 3.2,
      triangular: 0.55,
    }),
  ];
}

function drawFolds(segments: readonly Segment[], random: Random): Fold[] {
  return segments.flatMap((segment) => {
    const folds: Fold[] = [];
    const isRectum = segment.name === 'rectum';
    let z = segment.from + (isRectum ? 40 : segment.pitchMm * 0.6);
    let angle = between(random, 0, 6.28);
    while (z < segment.to - 4) {
      const share = between(random, 0.75, 1.2);
      // Valves of the rectum stand left and right in turn; folds of the colon go round.
      angle += isRectum ? Math.PI + between(random, -0.4, 0.4) : between(random, 0, 6.28);
      const halfArc = isRectum ? between(random, 1, 1.4) : segment.triangular > 0.5 ? Math.PI : between(random, 1.9, 3.2);
      const tilt = between(random, 0.5, 2.4);
      folds.push({
        z,
        depth: segment.depthMm * share,
        width: segment.widthMm * between(random, 0.85, 1.2),
        triangular: segment.triangular,
        angle,
        halfArc,
        tilt,
      });
      z += segment.pitchMm * between(random, 0.75, 1.3);
    }
    return folds;
  });
}
