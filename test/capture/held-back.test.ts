import { describe, expect, it } from 'vitest';
import type { FieldOfViewWatch, WatchVerdict } from '../../src/capture/field-of-view-watch.js';
import { HeldBack } from '../../src/capture/held-back.js';
import type { Picture } from '../../src/capture/session.js';

const picture = (role: Picture['role'], ptsUs: number): Picture => ({
  ...{ role, ptsUs, capturedAtMs: 0, width: 4, height: 4, keyframe: true, codec: null },
  data: new Uint8Array(0),
});

/** A watch that says of each picture in turn what it was told to. */
const watchThatSays = (...verdicts: WatchVerdict[]): FieldOfViewWatch => ({ add: () => verdicts.shift()! }) as unknown as FieldOfViewWatch;

const fieldOfView = { x: 0, y: 0, width: 4, height: 4, sourceWidth: 4, sourceHeight: 4 };

describe('HeldBack', () => {
  it('lets pictures pass until a doubt, and after it in their order', () => {
    const heldBack = new HeldBack();
    const watch = watchThatSays(
      { type: 'steady' },
      { type: 'suspected', sinceUs: 2 },
      { type: 'suspected', sinceUs: 2 },
      { type: 'steady' },
    );
    const out: number[] = [];
    for (let ptsUs = 1; ptsUs <= 4; ptsUs++) {
      const judged = heldBack.judge(watch, picture('gray', ptsUs));
      if ('sinceUs' in judged) throw new Error('no change was seen');
      for (const released of [...judged, ...heldBack.pass(picture('analysis', ptsUs))]) out.push(released.ptsUs);
      if (ptsUs === 3) expect(out).toEqual([1]);
    }
    expect(out).toEqual([1, 2, 3, 4]);
    expect(heldBack.rest()).toEqual([]);
  });

  it('gives of what a change has overtaken only recorded packets of before it: the rest is shown anew', () => {
    const heldBack = new HeldBack();
    const watch = watchThatSays({ type: 'suspected', sinceUs: 10 }, { type: 'changed', sinceUs: 20, fieldOfView });
    heldBack.judge(watch, picture('gray', 10));
    for (const ptsUs of [10, 15, 20]) {
      expect(heldBack.pass(picture('analysis', ptsUs))).toEqual([]);
      expect(heldBack.pass(picture('recording', ptsUs))).toEqual([]);
    }
    const judged = heldBack.judge(watch, picture('gray', 25));
    expect(judged).toMatchObject({ sinceUs: 20, fieldOfView });
    if (!('sinceUs' in judged)) throw new Error('a change was seen');
    expect(judged.released.map(({ role, ptsUs }) => [role, ptsUs])).toEqual([
      ['recording', 10],
      ['recording', 15],
    ]);
  });

  it('gives what waits when a session is over before the doubt is', () => {
    const heldBack = new HeldBack();
    heldBack.judge(watchThatSays({ type: 'suspected', sinceUs: 1 }), picture('gray', 1));
    heldBack.pass(picture('analysis', 1));
    expect(heldBack.rest().map(({ ptsUs }) => ptsUs)).toEqual([1]);
  });
});
