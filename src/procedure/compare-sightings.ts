import type { Sighting } from '../tracking/sighting.js';

type Interval = Pick<Sighting, 'landmark' | 'startPtsUs' | 'endPtsUs'>;

/** One landmark in two accounts of the same video. */
export interface ComparedLane {
  readonly landmark: string;
  /** Sightings in the first and in the second account. */
  readonly first: number;
  readonly second: number;
  /** Sightings of the first that overlap one of the second; of several the one that they share most of. */
  readonly matched: number;
  /** Time in view by the first, by the second, and by both, ms. */
  readonly firstMs: number;
  readonly secondMs: number;
  readonly bothMs: number;
  /** Time in both over time in either (Jaccard index), 0…1; null where neither has any. */
  readonly overlap: number | null;
  /** Largest difference of a begin or an end between matched sightings, ms; null without any. */
  readonly largestShiftMs: number | null;
}

/**
 * Two accounts of the same video, lane by lane: landmarks in the order in which they come first. Pure; intervals of one landmark in one
 * account do not overlap.
 */
export function compareSightings(first: readonly Interval[], second: readonly Interval[]): ComparedLane[] {
  const landmarks = new Set(
    [...first, ...second]
      .toSorted((a, b) => a.startPtsUs - b.startPtsUs || (a.landmark < b.landmark ? -1 : 1))
      .map(({ landmark }) => landmark),
  );
  return [...landmarks].map((landmark) => {
    const [of1, of2] = [first, second].map((all) => all.filter((one) => one.landmark === landmark)) as [Interval[], Interval[]];
    const pairs = pairsOf(of1, of2);
    const [firstUs, secondUs] = [lengthOf(of1), lengthOf(of2)];
    const bothUs = of1.reduce((sum, a) => sum + of2.reduce((shared, b) => shared + sharedUs(a, b), 0), 0);
    const eitherUs = firstUs + secondUs - bothUs;
    const shiftsUs = pairs.flatMap(([a, b]) => [Math.abs(a.startPtsUs - b.startPtsUs), Math.abs(a.endPtsUs - b.endPtsUs)]);
    return {
      landmark,
      first: of1.length,
      second: of2.length,
      matched: pairs.length,
      firstMs: firstUs / 1000,
      secondMs: secondUs / 1000,
      bothMs: bothUs / 1000,
      overlap: eitherUs === 0 ? null : bothUs / eitherUs,
      largestShiftMs: shiftsUs.length === 0 ? null : Math.max(...shiftsUs) / 1000,
    };
  });
}

/** Whether two accounts say the same, to the last digit; which source and which number a sighting has does not count. */
export function areSameSightings(first: readonly Sighting[], second: readonly Sighting[]): boolean {
  const plain = (sightings: readonly Sighting[]): string =>
    JSON.stringify(
      sightings.map(({ landmark, startPtsUs, startFrameId, endPtsUs, endFrameId, confidence, frames, best }) => [
        ...[landmark, startPtsUs, startFrameId, endPtsUs, endFrameId, confidence, frames],
        ...[best.frameId, best.ptsUs, best.quality, best.score],
      ]),
    );
  return plain(first) === plain(second);
}

/** Share of the frames at which both accounts hold the same landmark, or both none, 0…1; 1 without frames. */
export function agreementOf(held: readonly (readonly [first: string | null, second: string | null])[]): number {
  return held.length === 0 ? 1 : held.filter(([a, b]) => a === b).length / held.length;
}

/** Pairs off by the largest shared time first; no sighting is in two pairs. */
function pairsOf(first: readonly Interval[], second: readonly Interval[]): [Interval, Interval][] {
  const candidates = first
    .flatMap((a) => second.map((b) => ({ a, b, us: sharedUs(a, b) })))
    .filter(({ us }) => us > 0)
    .sort((x, y) => y.us - x.us);
  const taken = new Set<Interval>();
  const pairs: [Interval, Interval][] = [];
  for (const { a, b } of candidates) {
    if (taken.has(a) || taken.has(b)) continue;
    taken.add(a).add(b);
    pairs.push([a, b]);
  }
  return pairs;
}

function sharedUs(a: Interval, b: Interval): number {
  return Math.max(0, Math.min(a.endPtsUs, b.endPtsUs) - Math.max(a.startPtsUs, b.startPtsUs));
}

function lengthOf(intervals: readonly Interval[]): number {
  return intervals.reduce((sum, { startPtsUs, endPtsUs }) => sum + endPtsUs - startPtsUs, 0);
}
