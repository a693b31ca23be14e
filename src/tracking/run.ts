import type { BestFrame } from './sighting.js';

export interface FrameRef {
  readonly frameId: number;
  readonly ptsUs: number;
}

/** A good frame that supports a landmark, with the tracker's probability of that landmark after it. */
export interface SupportingFrame extends BestFrame {
  readonly probability: number;
}

interface RankedFrame extends BestFrame {
  /** Quality × score × distance from the start; what lies ahead is not known yet. */
  readonly value: number;
}

/** Frames in a row that support one landmark, summed up: from these a sighting gets its ends, confidence and best frame. */
export interface Run {
  readonly start: FrameRef;
  readonly last: FrameRef;
  readonly frames: number;
  readonly probabilitySum: number;
  /** Best of the frames that are far enough from the last one to be judged for good. */
  readonly settled: RankedFrame | null;
  /** Frames that may still turn out to lie at the end; spans at most the edge time. */
  readonly recent: readonly RankedFrame[];
}

/** Halves the value of a frame at the very edge of a run. */
function edgeFactor(distanceUs: number, edgeUs: number): number {
  return edgeUs === 0 ? 1 : 0.5 + 0.5 * Math.min(1, Math.max(0, distanceUs) / edgeUs);
}

function better(a: RankedFrame | null, b: RankedFrame): RankedFrame {
  return a === null || b.value > a.value ? b : a;
}

/** The run with one more frame; a new run when there is none. */
export function extendRun(run: Run | null, frame: SupportingFrame, edgeUs: number): Run {
  const { frameId, ptsUs, quality, score, probability } = frame;
  const here = { frameId, ptsUs };
  const start = run?.start ?? here;
  const value = quality * score * edgeFactor(ptsUs - start.ptsUs, edgeUs);
  let settled = run?.settled ?? null;
  const recent: RankedFrame[] = [];
  for (const earlier of run?.recent ?? []) {
    if (ptsUs - earlier.ptsUs >= edgeUs) settled = better(settled, earlier);
    else recent.push(earlier);
  }
  recent.push({ frameId, ptsUs, quality, score, value });
  return {
    start,
    last: here,
    frames: (run?.frames ?? 0) + 1,
    probabilitySum: (run?.probabilitySum ?? 0) + probability,
    settled,
    recent,
  };
}

/** Two runs of the same landmark, the gap between them bridged. */
export function joinRuns(first: Run, second: Run): Run {
  const settled = [...first.recent, ...(second.settled === null ? [] : [second.settled])].reduce(better, first.settled);
  return {
    start: first.start,
    last: second.last,
    frames: first.frames + second.frames,
    probabilitySum: first.probabilitySum + second.probabilitySum,
    settled,
    recent: second.recent,
  };
}

/** The best frame if the run ended with its last frame. */
export function bestFrame(run: Run, edgeUs: number): BestFrame {
  const ranked = run.recent.map((frame) => ({ ...frame, value: frame.value * edgeFactor(run.last.ptsUs - frame.ptsUs, edgeUs) }));
  const { frameId, ptsUs, quality, score } = ranked.reduce<RankedFrame | null>(better, run.settled) ?? {
    ...run.last,
    quality: 0,
    score: 0,
  };
  return { frameId, ptsUs, quality, score };
}
