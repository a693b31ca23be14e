import { describe, expect, it } from 'vitest';
import { groupSites } from '../../client/src/checklist-groups.js';
import { backoffMs } from '../../client/src/connection.js';
import { commandOf } from '../../client/src/shortcuts.js';
import { lanesOf, span, ticks } from '../../client/src/timeline.js';
import { clock, duration, landmarkName, oneDecimal, percent, qualityHint } from '../../client/src/words.js';
import { FakeSession } from '../server/fake-session.js';

const S = 1_000_000;

describe('words', () => {
  it('writes numbers for people', () => {
    expect([percent(0.876), percent(0), percent(1)]).toEqual(['88 %', '0 %', '100 %']);
    expect([duration(840), duration(9_949), duration(67_000), duration(7_395_000)]).toEqual(['0.8 s', '9.9 s', '1:07', '2:03:15']);
    expect([clock(0), clock(-5), clock(59.9 * S), clock(3600 * S)]).toEqual(['0:00', '0:00', '0:59', '1:00:00']);
    expect([oneDecimal(25), oneDecimal(119.96)]).toEqual(['25.0', '120']);
  });

  it('names landmarks as the gallery does, and others by their id', () => {
    const hello = new FakeSession().hello(null);
    expect(landmarkName(hello, 'retroflex-stomach')).toBe('Stomach in retroflexion');
    expect(landmarkName(hello, 'my-own-place')).toBe('My own place');
    expect(landmarkName(null, 'z-line')).toBe('Z line');
  });

  it('hints at what most frames suffer from, not at one of them', () => {
    expect(qualityHint([])).toBe('good');
    expect(qualityHint(['dark', 'good', 'dark', 'good', 'dark', 'good'])).toBe('good');
    expect(qualityHint(['good', 'dark', 'dark', 'good', 'dark', 'dark'])).toBe('dark');
    expect(qualityHint(['dark', 'blurred', 'dark', 'blurred', 'dark', 'blurred'])).toBe('good');
  });
});

describe('backoffMs', () => {
  it('doubles to five seconds, of which half is left to chance', () => {
    expect([0, 1, 2, 3, 9, 1000].map((attempt) => backoffMs(attempt, () => 1))).toEqual([250, 500, 1000, 2000, 5000, 5000]);
    expect([0, 9].map((attempt) => backoffMs(attempt, () => 0))).toEqual([125, 2500]);
  });
});

describe('commandOf', () => {
  const press = (key: string, more = {}): ReturnType<typeof commandOf> =>
    commandOf({ key, ctrlKey: false, metaKey: false, altKey: false, repeat: false, ...more });

  it('knows its keys in either case, and leaves those of the browser alone', () => {
    expect([press('f'), press('F'), press('?'), press('x')]).toEqual(['full-screen', 'full-screen', 'help', null]);
    expect([press(' '), press(' ', { repeat: true })]).toEqual(['capture', null]);
    expect([press('f', { ctrlKey: true }), press('s', { metaKey: true }), press('e', { altKey: true })]).toEqual([null, null, null]);
  });
});

describe('groupSites', () => {
  const grouped = (...names: string[]): unknown =>
    groupSites(names, (name) => name).map(({ title, members }) => [title, members.map(({ name }) => name)]);

  it('puts the walls of a station under its name', () => {
    expect(
      grouped('Antrum, anterior wall', 'Antrum, lesser curvature', 'Incisura, in part, anterior wall', 'Incisura, in part, posterior wall'),
    ).toEqual([
      ['Antrum', ['Anterior wall', 'Lesser curvature']],
      ['Incisura, in part', ['Anterior wall', 'Posterior wall']],
    ]);
  });

  it('leaves alone what stands alone, and keeps the order', () => {
    expect(grouped('Z-line', 'Corpus, forward view', 'Antrum, anterior wall', 'Z-line', 'Z-line')).toEqual([
      [null, ['Z-line']],
      [null, ['Corpus, forward view']],
      [null, ['Antrum, anterior wall']],
      [null, ['Z-line']],
      [null, ['Z-line']],
    ]);
    expect(grouped()).toEqual([]);
  });
});

describe('timeline', () => {
  it('shows half a minute at least and ten minutes at most', () => {
    expect(span(5 * S, 0)).toEqual({ fromUs: 0, toUs: 30 * S });
    expect(span(100 * S, 80 * S)).toEqual({ fromUs: 80 * S, toUs: 110 * S });
    expect(span(90 * S, 0)).toEqual({ fromUs: 0, toUs: 90 * S });
    expect(span(3600 * S, 0)).toEqual({ fromUs: 3000 * S, toUs: 3600 * S });
  });

  it('writes at most nine round times, none of them at the edge', () => {
    expect(ticks(0, 30 * S).map((us) => us / S)).toEqual([0, 5, 10, 15, 20, 25]);
    for (const length of [30, 44, 61, 200, 599, 600]) {
      const times = ticks(7 * S, (7 + length) * S);
      expect(times.length).toBeLessThanOrEqual(9);
      expect(times.length).toBeGreaterThan(2);
      expect(times.every((us) => us >= 7 * S && us < (7 + length) * S)).toBe(true);
    }
  });

  it('gives each landmark a lane, of too many those seen last, in the order in which they came', () => {
    const interval = (landmark: string, startS: number, endS: number | null) => ({
      landmark,
      startPtsUs: startS * S,
      endPtsUs: endS === null ? null : endS * S,
      confidence: null,
    });
    const lanes = lanesOf([interval('a', 1, 2), interval('b', 3, 4), interval('a', 5, null)], 0, 6 * S);
    expect(lanes.map(({ landmark, intervals }) => [landmark, intervals.length])).toEqual([
      ['a', 2],
      ['b', 1],
    ]);
    const many = Array.from({ length: 10 }, (_, count) => interval(`l${count}`, count, count + 1));
    expect(lanesOf(many, 0, 10 * S).map(({ landmark }) => landmark)).toEqual(['l5', 'l6', 'l7', 'l8', 'l9']);
    expect(lanesOf(many, 5 * S, 10 * S).map(({ landmark }) => landmark)).not.toContain('l3');
  });
});
