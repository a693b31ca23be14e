import type { QualityVerdict, Detection } from '../../src/tracking/detection.js';
import type { Match } from '../../src/retrieval/match.js';
import type { TruthFrame, TruthRecording } from '../../src/evaluation/tracking-comparison.js';

/** Uniform numbers in 0…1 from a seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

export function matchOf(scores: Readonly<Record<string, number>>, known = true): Match {
  const ranked = Object.entries(scores)
    .map(([label, score]) => ({ label, score }))
    .sort((a, b) => b.score - a.score);
  return { neighbours: [], scores: ranked, known, confidence: known ? 1 : 0 };
}

export interface FrameSaid {
  readonly ptsUs: number;
  readonly frameId?: number;
  readonly scores?: Readonly<Record<string, number>>;
  readonly known?: boolean;
  readonly verdict?: QualityVerdict;
  readonly quality?: number;
  readonly sourceId?: string;
}

export function detectionOf({
  ptsUs,
  frameId = 0,
  scores = {},
  known = true,
  verdict = 'good',
  quality = 0.8,
  sourceId = 'test',
}: FrameSaid): Detection {
  return { sourceId, frameId, ptsUs, quality: { verdict, score: verdict === 'good' ? quality : 0 }, match: matchOf(scores, known) };
}

export interface SyntheticOptions {
  readonly seed: number;
  readonly labels: readonly string[];
  readonly seconds: number;
  readonly fps: number;
  /** Chance that an episode of a visit is answered with a wrong landmark. Default 0.25. */
  readonly confusion?: number;
  /** Chance that an episode without a landmark is taken for one. Default 0.2. */
  readonly falseKnown?: number;
  /** Chance that an episode is of bad quality. Default 0.12. */
  readonly bad?: number;
}

/**
 * A procedure as a tracker sees it: visits of 1.5–8 s with pauses between them, in which errors come in episodes (0.1–0.6 s), as
 * they do in video, where neighbouring frames look alike. Each landmark has one that it is confused with most.
 */
export function syntheticRecording(options: SyntheticOptions): TruthRecording {
  const { seed, labels, seconds, fps, confusion = 0.25, falseKnown = 0.2, bad = 0.12 } = options;
  const random = randomOf(seed);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)]!;
  const between = (low: number, high: number): number => low + random() * (high - low);

  const truth: TruthFrame[] = [];
  const detections: Detection[] = [];
  let landmark: string | null = null;
  let visitEndS = between(0.5, 2);
  let episodeEndS = 0;
  let shown: string | null = null;
  let verdict: QualityVerdict = 'good';

  for (let frameId = 0; frameId < seconds * fps; frameId++) {
    const nowS = frameId / fps;
    if (nowS >= visitEndS) {
      const others = labels.filter((label) => label !== landmark);
      landmark = landmark !== null && random() < 0.6 ? null : pick(others);
      visitEndS = nowS + (landmark === null ? between(0.5, 4) : between(1.5, 8));
      episodeEndS = nowS;
    }
    if (nowS >= episodeEndS) {
      episodeEndS = nowS + between(0.1, 0.6);
      verdict = random() < bad ? pick(['blurred', 'red-out', 'dark', 'glare'] as const) : 'good';
      if (landmark === null) shown = random() < falseKnown ? pick(labels) : null;
      else if (random() >= confusion) shown = landmark;
      else shown = random() < 0.5 ? labels[(labels.indexOf(landmark) + 1) % labels.length]! : pick([null, ...labels]);
    }
    const ptsUs = Math.round(nowS * 1e6);
    const scores: Record<string, number> = {};
    const strength = between(0.35, 0.9);
    if (shown !== null) scores[shown] = strength;
    const firstOther = Math.floor(random() * labels.length);
    for (let n = 0; n < 3; n++) {
      const label = labels[(firstOther + n) % labels.length]!;
      scores[label] = (scores[label] ?? 0) + (shown === null ? 1 : 1 - strength) / 3;
    }
    truth.push({ ptsUs, landmark, flags: verdict === 'good' ? [] : [verdict] });
    detections.push(detectionOf({ ptsUs, frameId, scores, known: shown !== null, verdict, quality: between(0.3, 1) }));
  }
  return { detections, truth };
}
