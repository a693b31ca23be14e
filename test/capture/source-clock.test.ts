import { describe, expect, it } from 'vitest';
import type { Picture } from '../../src/capture/session.js';
import { SourceClock } from '../../src/capture/source-clock.js';

function picture(ptsUs: number, capturedAtMs = ptsUs / 1000): Picture {
  return { role: 'preview', ptsUs, capturedAtMs, width: 2, height: 2, keyframe: true, codec: null, data: new Uint8Array(0) };
}

describe('SourceClock', () => {
  it('numbers frames and not pictures', () => {
    const clock = new SourceClock(true);
    clock.begin(picture(0), null);
    expect([0, 0, 40_000, 40_000, 80_000].map((ptsUs) => clock.stamp(picture(ptsUs)).frameId)).toEqual([0, 0, 1, 1, 2]);
  });

  it('keeps the times of a file in every session, and moves them where a loop begins again', () => {
    const clock = new SourceClock(true);
    clock.begin(picture(3000), null);
    expect(clock.stamp(picture(3000)).ptsUs).toBe(3000);
    clock.begin(picture(9000), null);
    expect(clock.stamp(picture(9000)).ptsUs).toBe(9000);
    clock.begin(picture(0), 50_000);
    expect(clock.stamp(picture(1000))).toEqual({ frameId: 2, ptsUs: 51_000 });
  });

  it('lets sessions of a live input follow each other with the gap that there really was', () => {
    const clock = new SourceClock(false);
    clock.begin(picture(777_000, 100), null);
    expect(clock.stamp(picture(777_000, 100)).ptsUs).toBe(0);
    clock.begin(picture(5_000, 2100), null);
    expect(clock.stamp(picture(5_000, 2100))).toEqual({ frameId: 1, ptsUs: 2_000_000 });
  });

  it('goes on where a stream changes its clock, and follows where pictures were merely late', () => {
    const clock = new SourceClock(false);
    clock.begin(picture(0, 0), null);
    clock.stamp(picture(0, 0));
    expect(clock.stamp(picture(3_600_000_000, 40)).ptsUs).toBe(40_000);
    expect(clock.stamp(picture(3_605_000_000, 5040)).ptsUs).toBe(5_040_000);
  });
});
