import { describe, expect, it } from 'vitest';
import { TestScheduler } from 'rxjs/testing';
import { from, map, tap } from 'rxjs';
import { createTracker } from '../../src/tracking/tracker.js';
import { track, type TrackingUpdate } from '../../src/tracking/track.js';
import { detectionOf } from '../support/synthetic-detections.js';

const LABELS = ['antrum', 'pylorus'];
const frame = (ms: number, landmark = 'antrum') => detectionOf({ ptsUs: ms * 1000, frameId: ms, scores: { [landmark]: 1 } });
const FRAMES = { a: frame(0), b: frame(450), c: frame(900), d: frame(1350), e: frame(1800) };

/** What an update says, in one word. */
const said = ({ detection, current, events }: TrackingUpdate): string =>
  [
    detection === null ? 'end' : detection.frameId,
    current.landmark ?? '-',
    ...events.map(({ type }) => type.slice('sighting-'.length)),
  ].join(' ');

function run(body: (helpers: Parameters<Parameters<TestScheduler['run']>[0]>[0]) => void): void {
  new TestScheduler((actual, expected) => {
    expect(actual).toEqual(expected);
  }).run(body);
}

describe('track', () => {
  it('answers each detection at once, and closes what is open when the source completes', () => {
    run(({ cold, expectObservable }) => {
      const updates = cold('-a--bc-de--|', FRAMES).pipe(track({ labels: LABELS }), map(said));
      expectObservable(updates).toBe('-a--bc-de--(f|)', {
        a: '0 -',
        b: '450 -',
        c: '900 antrum opened',
        d: '1350 antrum',
        e: '1800 antrum improved',
        f: 'end - closed',
      });
    });
  });

  it('closes what is open before it passes an error on', () => {
    run(({ cold, expectObservable }) => {
      const updates = cold('abc#', FRAMES).pipe(track({ labels: LABELS }), map(said));
      expectObservable(updates).toBe('abc(f#)', { a: '0 -', b: '450 -', c: '900 antrum opened', f: 'end - closed' });
    });
  });

  it('ends without a word when nothing is open', () => {
    run(({ cold, expectObservable }) => {
      expectObservable(cold('a|', FRAMES).pipe(track({ labels: LABELS }), map(said))).toBe('a|', { a: '0 -' });
      expectObservable(
        cold('#').pipe(
          map(() => FRAMES.a),
          track({ labels: LABELS }),
          map(said),
        ),
      ).toBe('#');
    });
  });

  it('changes trackers between two detections: closes what is open, goes on counting', () => {
    const first = createTracker({ labels: LABELS });
    const second = createTracker({ labels: ['pylorus', 'z-line'] });
    let tracker = first;
    const frames = [...[0, 450, 900].map((ms) => frame(ms)), ...[1350, 1800, 2250].map((ms) => frame(ms, 'pylorus'))];
    const ids: number[] = [];
    const words: string[] = [];
    from(frames)
      .pipe(
        tap(({ frameId }) => (tracker = frameId < 1350 ? first : second)),
        track(() => tracker),
      )
      .subscribe((update) => {
        words.push(said(update));
        ids.push(...update.events.map(({ sighting }) => sighting.id));
      });
    expect(words).toEqual(['0 -', '450 -', '900 antrum opened', 'end - closed', '1350 -', '1800 -', '2250 pylorus opened', 'end - closed']);
    expect(ids).toEqual([0, 0, 1, 1]);
  });

  it('lets go of the source when nobody listens any more', () => {
    run(({ cold, expectObservable, expectSubscriptions }) => {
      const source = cold('abcde', FRAMES);
      expectObservable(source.pipe(track({ labels: LABELS }), map(said)), '^-!').toBe('ab', { a: '0 -', b: '450 -' });
      expectSubscriptions(source.subscriptions).toBe('^-!');
    });
  });

  it('gives every subscriber a memory of its own', () => {
    run(({ cold, expectObservable }) => {
      const updates = cold('abc|', FRAMES).pipe(track({ labels: LABELS }), map(said));
      const values = { a: '0 -', b: '450 -', c: '900 antrum opened', f: 'end - closed' };
      expectObservable(updates).toBe('abc(f|)', values);
      expectObservable(updates).toBe('abc(f|)', values);
    });
  });
});
