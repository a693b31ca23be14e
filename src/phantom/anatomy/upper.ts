import { Noise } from '../noise.js';
import { bell, between, randomStream, wholeBetween } from '../random.js';
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
import { insteadOf, lazily, partOf, tilted, type Anatomy, type Leg, type Omissible, type Station } from './anatomy.js';
import { angleBetween, dome, mixPaint, ramp } from './shapes.js';

/**
 * Oesophagus, stomach and duodenum of one patient. World axes: z up, −x towards the greater curvature. The body of the stomach and
 * the antrum are two hollows side by side that meet below the angulus, as the two arms of a J do.
 */
export function upperAnatomy(seed: number): Anatomy {
  const random = randomStream(seed, 'upper', 'shape');
  const noise = new Noise(randomStream(seed, 'upper', 'noise'));
  const complexion = drawComplexion(randomStream(seed, 'complexion'));
  const hues = randomStream(seed, 'upper', 'hues');

  // Stomach, body.
  const bodyRadius = between(random, 31, 37);
  const domeTop = between(random, 190, 202);
  const domeBase = domeTop - between(random, 38, 46);
  const bodyX = -bodyRadius * between(random, 0.7, 0.8);
  const sinusZ = between(random, -36, -28);
  const waist = between(random, 25, 29);
  const bodyY = between(random, -5, 5);
  const foldCount = wholeBetween(random, 15, 20);
  const foldHeight = between(random, 4.2, 7);
  const foldWarp = between(random, 1.6, 3);
  const bodyCentre = (z: number): readonly [number, number] => [
    bodyX + 6 * smooth(60, 0, z) + 12 * smooth(25, sinusZ, z),
    bodyY * smooth(20, 140, z),
  ];
  const bodyProfile = (z: number): number => {
    if (z > domeBase) return bodyRadius * dome((z - domeBase) / (domeTop - domeBase));
    const wide = waist + (bodyRadius - waist) * smooth(20, 105, z);
    return z < 0 ? waist * dome(z / sinusZ) : wide;
  };

  // Cardia and oesophagus.
  const cardia: Vector = [between(random, -2, 2), between(random, -3, 3), 0];
  const gullet = between(random, 9.5, 11.5);
  const cardiaZ = domeTop - between(random, 16, 22);
  const zLine = cardiaZ + between(random, 9, 13);
  const zLineReach = between(random, 2.2, 4.5);
  const rosette = wholeBetween(random, 5, 7);
  const rosettePhase = between(random, 0, 6);
  const gulletTop = zLine + between(random, 112, 122);
  const gulletSwing = between(random, 2, 5) * (random() < 0.5 ? -1 : 1);
  const aortaAngle = between(random, 0, 6.28);
  const gulletCentre = (z: number): readonly [number, number] => [
    cardia[0] + gulletSwing * Math.sin((z - cardiaZ) * 0.045) * smooth(cardiaZ, cardiaZ + 30, z),
    cardia[1] + gulletSwing * 0.7 * Math.sin((z - cardiaZ) * 0.03 + 1) * smooth(cardiaZ + 4, cardiaZ + 40, z),
  ];
  const hiatus = between(random, 1.7, 3.4);
  const funnel = between(random, 4, 9);

  // Antrum, pylorus.
  const antrumX = between(random, 40, 46);
  const pylorusZ = between(random, 76, 84);
  const antrumRadius = between(random, 20.5, 24);
  const pylorusRadius = between(random, 2.5, 4.1);
  const pylorusFolds = wholeBetween(random, 4, 7);
  const pylorusRim = between(random, 0.3, 1.1);
  const pylorusOval = between(random, 0.05, 0.25);
  const pylorusPhase = between(random, 0, 6);
  const waveZ = between(random, 28, 42);
  const waveHeight = between(random, 0.5, 3.4);
  const waveSide = between(random, 0, 6.28);
  const antrumCentre = (z: number): readonly [number, number] => [10 + (antrumX - 10) * smooth(-55, 62, z), ramp(z, 0, 80) * bodyY * 0.5];
  const antrumDome = pylorusZ - between(random, 17, 22);
  const antrumProfile = (z: number): number => {
    if (z > antrumDome) return Math.max(pylorusRadius, (antrumRadius - 1.5) * dome((z - antrumDome) / (pylorusZ - 2 - antrumDome)));
    const wide = antrumRadius + 1.5 - 3 * smooth(-5, antrumDome, z);
    return z < -4 ? wide * dome((z + 4) / (sinusZ + 6)) : wide;
  };

  // Duodenum.
  const bulbRadius = between(random, 12.5, 15.5);
  const bulbStart = pylorusZ + 1.5;
  const bulbEnd = bulbStart + between(random, 33, 40);
  const secondRadius = between(random, 11.5, 13.5);
  const duodenumEnd = bulbEnd + 118;
  const foldPitch = between(random, 6, 7.8);
  const bendY = between(random, 17, 23) * (random() < 0.5 ? -1 : 1);
  const bendX = between(random, -6, 6);
  const duodenumCentre = (z: number): readonly [number, number] => {
    const [x, y] = antrumCentre(pylorusZ);
    const bend = smooth(bulbEnd - 16, bulbEnd + 18, z);
    const far = Math.max(0, z - bulbEnd - 26) / 80;
    return [x + bendX * bend + bendX * 2.2 * far * far, y + bendY * bend + Math.sin(far * 3) * 7];
  };
  const duodenumProfile = (z: number): number => {
    const canal = pylorusRadius + 0.4;
    if (z < bulbStart) return canal;
    const swell = canal + (bulbRadius - canal) * Math.sqrt(Math.max(0, 1 - (1 - Math.min(1, (z - bulbStart) / 12)) ** 2));
    const neck = bump(z - bulbEnd, 7) * 5.5;
    const closing = dome(Math.max(0, (z - duodenumEnd + 14) / 14));
    return (swell + (secondRadius - bulbRadius) * smooth(bulbEnd - 6, bulbEnd + 10, z) - neck) * closing;
  };

  // Tissues.
  const squamous: MucosaStyle = {
    colour: individual(tint(222, 168, 158), complexion, hues),
    mottle: 0.16,
    mottleMm: 9,
    grain: 0.03,
    grainMm: 0.9,
    gloss: 0.75,
  };
  const columnar: MucosaStyle = {
    colour: individual(tint(216, 116, 96), complexion, hues),
    mottle: 0.2,
    mottleMm: 5,
    grain: 0.06,
    grainMm: 0.8,
    gloss: 0.8,
  };
  const corpus: MucosaStyle = {
    colour: individual(tint(217, 124, 96), complexion, hues),
    mottle: 0.2,
    mottleMm: 14,
    grain: 0.06,
    grainMm: 1,
    gloss: 0.8,
  };
  const antral: MucosaStyle = {
    colour: individual(tint(222, 132, 104), complexion, hues),
    mottle: 0.2,
    mottleMm: 10,
    grain: 0.05,
    grainMm: 0.9,
    gloss: 0.7,
  };
  const bulb: MucosaStyle = {
    colour: individual(tint(226, 164, 138), complexion, hues),
    mottle: 0.12,
    mottleMm: 6,
    grain: 0.2,
    grainMm: 0.55,
    gloss: 0.6,
  };
  const second: MucosaStyle = {
    colour: individual(tint(228, 148, 104), complexion, hues),
    mottle: 0.14,
    mottleMm: 7,
    grain: 0.3,
    grainMm: 0.5,
    gloss: 0.9,
  };
  const { vascularity } = complexion;

  const esophagus: TubeDesign = {
    name: 'esophagus',
    jointMm: 1.6,
    zMin: cardiaZ - 9,
    zMax: gulletTop,
    centre: gulletCentre,
    radius: (z) => {
      const closed = hiatus + (gullet - hiatus) * smooth(cardiaZ + 4, zLine + funnel, z);
      return z < cardiaZ ? hiatus + (cardiaZ - z) * 0.35 : closed * dome(Math.max(0, (z - gulletTop + 16) / 16));
    },
    relief: (place) => {
      const near = smooth(zLine + funnel + 6, cardiaZ + 6, place.z) * smooth(cardiaZ - 4, cardiaZ + 3, place.z);
      const folds = Math.abs(
        Math.sin((rosette * place.angle + rosettePhase) / 2 + 0.5 * noise.at(place.cos * 2, place.sin * 2, place.z * 0.1)),
      );
      const rings =
        0.3 * Math.sin(place.z * 0.55 + noise.at(place.cos, place.sin, place.z * 0.2) * 2) * smooth(zLine + 12, zLine + 25, place.z);
      const aorta = 2.6 * bump(angleBetween(place.angle, aortaAngle), 0.6) * bump(place.z - gulletTop + 44, 12);
      return (
        near * (folds ** 0.6 * 0.42 - 0.16) * place.radius +
        rings +
        aorta +
        1.5 * noise.fractal(place.cos * 1.3, place.sin * 1.3, place.z * 0.045, 2)
      );
    },
    paint: (place, paint) => {
      const tongue = noise.at(place.cos * 2.2 + 9, place.sin * 2.2, 3) + 0.5 * noise.at(place.cos * 5.5, place.sin * 5.5, 7);
      const border = zLine + zLineReach * tongue + 0.5 * noise.at(place.x * 0.8, place.y * 0.8, place.z * 0.8);
      const isColumnar = smooth(0.45, -0.45, place.z - border);
      if (isColumnar >= 1) {
        paintMucosa(place, paint, columnar, noise, complexion);
        return;
      }
      paintMucosa(place, paint, squamous, noise, complexion);
      const around = place.angle * gullet;
      const palisade = noise.ridge(around * 0.42 + noise.at(place.x * 0.2, place.y * 0.2, place.z * 0.12) * 1.2, 3, place.z * 0.035);
      const low = smooth(zLine + 46, zLine + 22, place.z);
      paintVessel(paint, vascularity * (0.55 * low * smooth(0.8, 0.98, palisade) + 0.3 * (1 - low) * vesselNet(place, noise, 12)));
      if (isColumnar > 0) {
        const over: Paint = { red: 0, green: 0, blue: 0, gloss: 0 };
        paintMucosa(place, over, columnar, noise, complexion);
        mixPaint(paint, over, isColumnar);
      }
    },
  };

  const body: TubeDesign = {
    name: 'body',
    jointMm: 8,
    zMin: sinusZ,
    zMax: domeTop,
    centre: bodyCentre,
    radius: bodyProfile,
    relief: (place) => {
      const greater = smooth(-0.45, 0.75, -place.cos);
      const along = smooth(sinusZ + 4, 22, place.z) * (1 - 0.6 * smooth(domeBase - 10, domeBase + 22, place.z));
      const warp = foldWarp * noise.fractal(place.cos * 1.4 + 3, place.sin * 1.4, place.z * 0.028, 2);
      const phase = (foldCount * place.angle) / 2 + warp * 2.2;
      const strength = 0.65 + 0.5 * noise.at(place.cos * 2 + 11, place.sin * 2, place.z * 0.035);
      const folds = Math.abs(Math.sin(phase)) ** 0.65 * foldHeight * strength * (0.08 + 0.92 * greater) * along;
      const low = 1.4 * noise.fractal(place.x * 0.05, place.y * 0.05, place.z * 0.05, 2);
      const fromCardia = Math.hypot(place.x - cardia[0], place.y - cardia[1]);
      const collar = place.z > domeBase - 4 ? 5 * bump(fromCardia - 10, 4.5) * (0.8 + 0.6 * noise.at(place.cos * 3, place.sin * 3, 5)) : 0;
      return folds + low + collar;
    },
    paint: (place, paint) => {
      paintMucosa(place, paint, corpus, noise, complexion);
      const high = smooth(domeBase - 20, domeBase + 10, place.z);
      paintVessel(paint, vascularity * 0.22 * high * vesselNet(place, noise, 16));
    },
  };

  const antrum: TubeDesign = {
    name: 'antrum',
    jointMm: 8,
    zMin: sinusZ + 2,
    zMax: pylorusZ + 3,
    centre: antrumCentre,
    radius: antrumProfile,
    relief: (place) => {
      const wave =
        waveHeight * (0.6 + 0.4 * Math.cos(place.angle - waveSide)) * bump(place.z - waveZ - 5 * Math.cos(place.angle - waveSide), 6);
      const nearRing = smooth(pylorusZ - 9, pylorusZ - 2, place.z);
      const towardRing = smooth(pylorusRadius + 13, pylorusRadius + 2, place.radius) * smooth(waveZ + 6, waveZ + 20, place.z);
      const radial = pylorusRim * (Math.abs(Math.cos((pylorusFolds * place.angle) / 2 + pylorusPhase)) ** 0.7 - 0.6) * towardRing;
      const oval = pylorusRadius * pylorusOval * Math.cos(2 * place.angle + pylorusPhase) * nearRing;
      const lip = 0.35 * noise.at(place.cos * 2.5, place.sin * 2.5, place.z * 0.3) * nearRing;
      return wave + radial + oval + lip + 0.8 * noise.fractal(place.x * 0.06 + 40, place.y * 0.06, place.z * 0.06, 2) * (1 - nearRing);
    },
    paint: (place, paint) => {
      paintMucosa(place, paint, antral, noise, complexion);
      const fromRing = place.radius - pylorusRadius;
      const rim = smooth(5, 0.5, fromRing) * smooth(pylorusZ - 12, pylorusZ - 4, place.z);
      paint.red *= 1 + 0.04 * rim;
      paint.green *= 1 - 0.16 * rim;
      paint.blue *= 1 - 0.12 * rim;
    },
  };

  const duodenum: TubeDesign = {
    name: 'duodenum',
    jointMm: 1,
    zMin: pylorusZ - 3,
    zMax: duodenumEnd,
    centre: duodenumCentre,
    radius: duodenumProfile,
    relief: (place) => {
      if (place.z < bulbStart + 2) return pylorusRadius * pylorusOval * Math.cos(2 * place.angle + pylorusPhase);
      const folded = smooth(bulbEnd - 4, bulbEnd + 8, place.z) * smooth(duodenumEnd - 6, duodenumEnd - 20, place.z);
      const soft = 0.7 * noise.fractal(place.x * 0.09, place.y * 0.09, place.z * 0.09 + 60, 2);
      if (folded === 0) return soft;
      const lane = (place.z + 2.4 * noise.at(place.cos * 1.2, place.sin * 1.2, place.z * 0.06)) / foldPitch;
      const offset = (lane - Math.round(lane)) * foldPitch;
      const number = Math.round(lane);
      const arc = smooth(-0.55, 0.15, noise.at(place.cos * 0.9 + number * 3.7, place.sin * 0.9, number * 1.9));
      return soft + folded * arc * 3.6 * bump(offset, 1.25);
    },
    paint: (place, paint) => {
      const far = smooth(bulbEnd - 8, bulbEnd + 8, place.z);
      paintMucosa(place, paint, styleBetween(bulb, second, far), noise, complexion);
      paintVessel(paint, vascularity * 0.12 * (1 - far) * vesselNet(place, noise, 9));
    },
  };

  const bake = { reliefMm: 0.6, columns: 256 };
  const scene = lazily(() => ({ tubes: [esophagus, body, antrum, duodenum].map((design) => new Tube(design, bake)), noise }));

  const at = (centre: (z: number) => readonly [number, number], z: number, dx = 0, dy = 0): Vector => [
    centre(z)[0] + dx,
    centre(z)[1] + dy,
    z,
  ];
  const toward = (from: Vector, to: Vector): Vector => normalize(subtract(to, from));
  const cardiaPoint: Vector = [cardia[0], cardia[1], cardiaZ];
  const pylorusPoint = at(antrumCentre, pylorusZ);
  const forwardUp: Vector = [0.15 * bell(random), 1, 0];

  const habits = randomStream(seed, 'upper', 'habits');
  const stations = new Map<string, Station>();
  const station = (landmark: string, position: Vector, look: Vector, up: Vector, sway: Station['sway'], limit: Station['limit']): void => {
    stations.set(landmark, tilted({ landmark, position, look, up, sway, limit }, habits));
  };
  const pr = at(gulletCentre, gulletTop - 19);
  station(
    'proximal-esophagus',
    pr,
    toward(pr, at(gulletCentre, gulletTop - 60)),
    forwardUp,
    { acrossMm: 2.2, alongMm: 4, turnDeg: 10, rollDeg: 14 },
    { mm: 9, deg: 35 },
  );
  const di = at(gulletCentre, zLine + 36);
  station(
    'distal-esophagus',
    di,
    toward(di, at(gulletCentre, zLine)),
    forwardUp,
    { acrossMm: 2.2, alongMm: 4, turnDeg: 9, rollDeg: 14 },
    { mm: 9, deg: 32 },
  );
  const zl = at(gulletCentre, zLine + 13);
  station('z-line', zl, toward(zl, cardiaPoint), forwardUp, { acrossMm: 1.8, alongMm: 3, turnDeg: 9, rollDeg: 14 }, { mm: 7, deg: 32 });
  const bo = at(bodyCentre, 122, 3, 0);
  station(
    'stomach-body',
    bo,
    toward(bo, at(bodyCentre, 30, -9)),
    forwardUp,
    { acrossMm: 5, alongMm: 8, turnDeg: 10, rollDeg: 16 },
    { mm: 26, deg: 32 },
  );
  const an = at(antrumCentre, 14, -2);
  station('antrum', an, toward(an, pylorusPoint), forwardUp, { acrossMm: 3.5, alongMm: 6, turnDeg: 9, rollDeg: 16 }, { mm: 15, deg: 32 });
  const py = at(antrumCentre, pylorusZ - 17);
  station('pylorus', py, toward(py, pylorusPoint), forwardUp, { acrossMm: 2, alongMm: 3.5, turnDeg: 9, rollDeg: 16 }, { mm: 8.5, deg: 32 });
  const bu = at(duodenumCentre, bulbStart + 7);
  station(
    'duodenal-bulb',
    bu,
    toward(bu, at(duodenumCentre, bulbEnd - 3)),
    forwardUp,
    { acrossMm: 2, alongMm: 2.5, turnDeg: 10, rollDeg: 16 },
    { mm: 8, deg: 35 },
  );
  const du = at(duodenumCentre, bulbEnd + 36);
  station(
    'duodenum',
    du,
    toward(du, at(duodenumCentre, bulbEnd + 70)),
    forwardUp,
    { acrossMm: 2, alongMm: 7, turnDeg: 12, rollDeg: 18 },
    { mm: 16, deg: 40 },
  );
  const ang: Vector = [0.5 * (bodyCentre(-16)[0] + antrumCentre(-16)[0]), 0, -17];
  station(
    'angulus',
    ang,
    normalize([0.02, 0.1, 1]),
    [-1, 0, 0.1],
    { acrossMm: 3, alongMm: 4, turnDeg: 8, rollDeg: 18 },
    { mm: 14, deg: 32 },
  );
  const br = at(bodyCentre, 52, 2, 0);
  station(
    'body-retroflex',
    br,
    toward(br, at(bodyCentre, 150, -5)),
    [1, 0, 0],
    { acrossMm: 3.5, alongMm: 6, turnDeg: 9, rollDeg: 16 },
    { mm: 22, deg: 30 },
  );
  const ca = at(bodyCentre, cardiaZ - 40, -3, 0);
  station(
    'cardia-retroflex',
    ca,
    toward(ca, [cardia[0] - 8, cardia[1], cardiaZ + 4]),
    [1, 0, 0],
    { acrossMm: 4, alongMm: 7, turnDeg: 10, rollDeg: 18 },
    { mm: 22, deg: 30 },
  );

  const down: Vector = [0, 0, -1];
  const pass = (position: Vector, look: Vector, up: Vector = forwardUp): Leg => ({ type: 'pass', position, look: normalize(look), up });
  const stay = (landmark: string, share = 1): Leg => ({ type: 'stay', landmark, share });
  const sinus: Vector = [0.5 * (bodyCentre(-12)[0] + antrumCentre(-12)[0]) - 8, 0, -12];
  const throughCardia = [pass(at(gulletCentre, cardiaZ + 3), down), pass([cardia[0] - 5, cardia[1], cardiaZ - 22], [-0.35, 0, -1])];
  const inBulb = pass(at(duodenumCentre, bulbEnd), toward(at(duodenumCentre, bulbEnd), at(duodenumCentre, bulbEnd + 20)));
  const atPylorus = pass(at(antrumCentre, pylorusZ - 4), [0, 0, 1]);
  const descent = [pass(at(bodyCentre, 45), [0.1, 0, -1]), pass(at(bodyCentre, 5), [0.9, 0, -0.6]), pass(sinus, [1, 0, 0.5])];
  const route: Leg[] = [
    pass(at(gulletCentre, gulletTop - 5), down),
    ...partOf('proximal-esophagus', stay('proximal-esophagus')),
    pass(at(gulletCentre, gulletTop - 55), down),
    ...partOf('distal-esophagus', stay('distal-esophagus')),
    ...partOf('z-line', stay('z-line', 1.3)),
    ...throughCardia,
    stay('stomach-body', 1.4),
    ...descent,
    stay('antrum', 1.2),
    ...partOf('duodenum', stay('pylorus'), atPylorus, stay('duodenal-bulb')),
    ...partOf('second-part', inBulb, stay('duodenum', 1.2), inBulb, stay('duodenal-bulb', 0.3)),
    ...partOf('duodenum', atPylorus, stay('antrum', 0.6)),
    ...partOf('angulus', stay('angulus', 1.2)),
    ...partOf('retroflexion', stay('body-retroflex', 1.2)),
    ...partOf('cardia', stay('cardia-retroflex', 1.4)),
    ...partOf(
      'retroflexion',
      pass(at(bodyCentre, cardiaZ - 60, 4), [-1, 0.2, 0.2], [0, 0, 1]),
      pass(at(bodyCentre, cardiaZ - 45, 6), [-0.4, 0, -1], [0, 1, 0.2]),
    ),
    ...insteadOf('retroflexion', ...[...descent].reverse()),
    stay('stomach-body', 0.3),
    pass([cardia[0] - 3, cardia[1], cardiaZ - 16], [-0.3, 0, -1]),
    pass(at(gulletCentre, cardiaZ + 3), down),
    ...partOf('z-line', stay('z-line', 0.5)),
    ...partOf('distal-esophagus', stay('distal-esophagus', 0.3)),
    pass(at(gulletCentre, gulletTop - 55), down),
    ...partOf('proximal-esophagus', stay('proximal-esophagus', 0.2)),
    pass(at(gulletCentre, gulletTop - 6), down),
  ];
  const omissible: Omissible[] = [
    { part: 'proximal-esophagus', share: 0.2 },
    { part: 'distal-esophagus', share: 0.15 },
    { part: 'z-line', share: 0.15 },
    { part: 'duodenum', share: 0.12, takes: ['second-part'] },
    { part: 'second-part', share: 0.15 },
    { part: 'retroflexion', share: 0.12, takes: ['angulus', 'cardia'] },
    { part: 'cardia', share: 0.15 },
  ];

  return {
    tract: 'upper',
    scene,
    stations,
    route,
    omissible,
    siteAt: ([x, , z]) => {
      if (z > cardiaZ - 2 && Math.abs(x - cardia[0]) < gullet + 4) return 'esophagus';
      if (z > bulbEnd && x > antrumX - 30) return 'duodenum';
      if (z > bulbStart && x > antrumX - 30) return 'duodenal-bulb';
      return x > bodyCentre(z)[0] + bodyRadius * 0.75 ? 'antrum' : 'stomach-body';
    },
    shaftEntry: ([x, , z], look) => {
      // From the antrum the angulus hides it.
      const inBody = z < cardiaZ - 8 && x < 9;
      return inBody && look[2] > -0.25 ? { at: cardiaPoint, inward: down } : null;
    },
  };
}
