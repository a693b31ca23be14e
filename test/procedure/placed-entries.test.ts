import { describe, expect, it } from 'vitest';
import type { Entry } from '../../src/procedure/entries.js';
import { placedEntries } from '../../src/procedure/placed-entries.js';

const START_US = 15_000_000;
const common = { seq: 0, at: '2026-11-27T08:00:00.000Z', previous: '', by: 'Ann' };
const source = (monotonicMs: number, state: string): Entry => ({
  ...{ ...common, monotonicMs, type: 'source', state, detail: null, reconnects: 0 },
});
const begun = (monotonicMs: number, originPtsUs: number): Entry => ({
  ...{ ...common, monotonicMs, type: 'recording-started', file: 'recording.mp4', codec: 'h264', originPtsUs },
});
const set = (monotonicMs: number): Entry => ({ ...common, monotonicMs, type: 'site-set', site: 'antrum', state: 'seen', reason: 'by eye' });
const note = (monotonicMs: number, ptsUs: number): Entry => ({ ...common, monotonicMs, type: 'note', text: '', ptsUs });

/** Type and seconds from the start. */
const placesOf = (entries: readonly Entry[], isLive = true): [string, number][] =>
  placedEntries(entries, isLive, START_US).map(({ entry, ptsUs }) => [entry.type, (ptsUs - START_US) / 1e6]);

describe('lines of a journal on the clock of the source', () => {
  it('lie behind what told its time, by as much as passed', () => {
    expect(placesOf([begun(200, START_US + 100_000), note(5000, START_US + 4_900_000), set(7000)])).toEqual([
      ['recording-started', 0.1],
      ['note', 4.9],
      ['site-set', 6.9],
    ]);
  });

  it('do not count the time in which a source was opened', () => {
    const opening = [source(0, 'connecting'), source(2600, 'running')];
    expect(placesOf([...opening, begun(2650, START_US), set(3600)]).map(([, seconds]) => seconds)).toEqual([0, 0, 0, 0.95]);
    expect(placesOf([...opening, set(3600)]).at(-1)).toEqual(['site-set', 1]);
    // A source that came back later is no beginning.
    expect(placesOf([note(1000, START_US + 1_000_000), source(9000, 'running'), set(10_000)]).at(-1)).toEqual(['site-set', 10]);
  });

  it('never go back live, and stay where they are in an import', () => {
    expect(placesOf([note(5000, START_US + 5_000_000), note(5100, START_US + 2_000_000)]).map(([, seconds]) => seconds)).toEqual([5, 5]);
    expect(placesOf([note(0, START_US + 5_000_000), set(60_000)], false).map(([, seconds]) => seconds)).toEqual([5, 5]);
  });
});
