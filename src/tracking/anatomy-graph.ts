import { classesAround } from '../common/landmarks.js';

/**
 * Which places open into which, along the tract and within a wide hollow. The retroflexed views belong to the hollow that they are
 * taken in: a scope that looks back has been there looking ahead.
 */
const PASSAGES: readonly (readonly [string, string])[] = [
  ['proximal-esophagus', 'distal-esophagus'],
  ['distal-esophagus', 'z-line'],
  ['z-line', 'stomach-body'],
  ['z-line', 'fundus'],
  ['fundus', 'stomach-body'],
  ['fundus', 'cardia-retroflex'],
  ['stomach-body', 'angulus'],
  ['stomach-body', 'antrum'],
  ['stomach-body', 'body-retroflex'],
  ['stomach-body', 'cardia-retroflex'],
  ['body-retroflex', 'cardia-retroflex'],
  ['body-retroflex', 'angulus'],
  ['angulus', 'antrum'],
  ['antrum', 'pylorus'],
  ['pylorus', 'duodenal-bulb'],
  ['duodenal-bulb', 'duodenum'],
  ['rectum', 'retroflex-rectum'],
  ['rectum', 'sigmoid'],
  ['sigmoid', 'descending-colon'],
  ['descending-colon', 'splenic-flexure'],
  ['splenic-flexure', 'transverse-colon'],
  ['transverse-colon', 'hepatic-flexure'],
  ['hepatic-flexure', 'ascending-colon'],
  ['ascending-colon', 'ileocecal-valve'],
  ['ascending-colon', 'cecum'],
  ['ileocecal-valve', 'cecum'],
  ['ileocecal-valve', 'terminal-ileum'],
  ['cecum', 'appendiceal-orifice'],
];

const doorsOf = new Map<string, string[]>();
for (const [a, b] of PASSAGES) {
  doorsOf.set(a, [...(doorsOf.get(a) ?? []), b]);
  doorsOf.set(b, [...(doorsOf.get(b) ?? []), a]);
}

/** The place that a landmark shows: its own, or that of the nearest wider class that has one; null when the graph does not know it. */
function placeOf(landmark: string): string | null {
  return [landmark, ...classesAround(landmark)].find((label) => doorsOf.has(label)) ?? null;
}

/**
 * How many of the landmarks' places the scope comes to on the way from one to another, the last included: 1 for neighbours, and for
 * those between which lie only places that none of the landmarks shows. A landmark that the graph does not know is a neighbour of all;
 * between tracts there is no way (Infinity). `[from][to]`, 0 from a landmark to itself.
 */
export function stepsBetween(landmarks: readonly string[]): readonly (readonly number[])[] {
  const places = landmarks.map(placeOf);
  const shown = new Set(places);
  return landmarks.map((_, from) => {
    const origin = places[from] ?? null;
    const steps = origin === null ? null : stepsFrom(origin, shown);
    return landmarks.map((__, to) => {
      if (from === to) return 0;
      const place = places[to] ?? null;
      return steps === null || place === null ? 1 : Math.max(1, steps.get(place) ?? Infinity);
    });
  });
}

/** Shortest ways in a graph where coming to a shown place costs a step and passing any other place none. */
function stepsFrom(start: string, shown: ReadonlySet<string | null>): ReadonlyMap<string, number> {
  const steps = new Map([[start, 0]]);
  const waiting = [start];
  for (let place = waiting.shift(); place !== undefined; place = waiting.shift()) {
    for (const next of doorsOf.get(place) ?? []) {
      const cost = (steps.get(place) ?? 0) + (shown.has(next) ? 1 : 0);
      if (cost >= (steps.get(next) ?? Infinity)) continue;
      steps.set(next, cost);
      waiting.push(next);
    }
  }
  return steps;
}
