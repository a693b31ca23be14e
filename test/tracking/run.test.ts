import { describe, expect, it } from 'vitest';
import { bestFrame, extendRun, joinRuns, type Run } from '../../src/tracking/run.js';

const EDGE_US = 500_000;

function runOf(frames: readonly (readonly [ms: number, quality: number, score: number])[]): Run {
  return frames.reduce<Run | null>(
    (run, [ms, quality, score]) => extendRun(run, { frameId: ms, ptsUs: ms * 1000, quality, score, probability: 0.9 }, EDGE_US),
    null,
  )!;
}

describe('a run of supporting frames', () => {
  it('has the frame of highest quality × score as its best', () => {
    const run = runOf([
      [0, 0.5, 0.5],
      [600, 0.9, 0.5],
      [1200, 0.6, 0.9],
      [1800, 0.9, 0.4],
      [2400, 0.5, 0.5],
    ]);
    expect(bestFrame(run, EDGE_US)).toEqual({ frameId: 1200, ptsUs: 1_200_000, quality: 0.6, score: 0.9 });
    expect(run).toMatchObject({ frames: 5, start: { frameId: 0 }, last: { frameId: 2400 } });
  });

  it('prefers the middle to the ends among equals', () => {
    const run = runOf([0, 200, 400, 600, 800, 1000, 1200].map((ms) => [ms, 0.8, 0.8] as const));
    expect(bestFrame(run, EDGE_US).frameId).toBe(600);
  });

  it('takes a frame at the very end when it is more than twice as good', () => {
    expect(
      bestFrame(
        runOf([
          [0, 0.4, 0.8],
          [700, 0.4, 0.8],
          [1400, 0.9, 0.8],
        ]),
        EDGE_US,
      ).frameId,
    ).toBe(1400);
    expect(
      bestFrame(
        runOf([
          [0, 0.4, 0.8],
          [700, 0.5, 0.8],
          [1400, 0.9, 0.8],
        ]),
        EDGE_US,
      ).frameId,
    ).toBe(700);
  });

  it('remembers no more frames than lie within the edge time', () => {
    const run = runOf(Array.from({ length: 1000 }, (_, index) => [index * 40, 0.5, 0.5] as const));
    expect(run.recent.length).toBeLessThanOrEqual(13);
    expect(run.frames).toBe(1000);
  });

  it('joins across a bridged gap', () => {
    const joined = joinRuns(
      runOf([
        [0, 0.9, 0.9],
        [600, 0.3, 0.9],
      ]),
      runOf([
        [2000, 0.6, 0.9],
        [2600, 0.3, 0.9],
      ]),
    );
    expect(joined).toMatchObject({ frames: 4, start: { frameId: 0 }, last: { frameId: 2600 } });
    expect(joined.probabilitySum).toBeCloseTo(3.6);
    expect(bestFrame(joined, EDGE_US).frameId).toBe(0);
  });
});
