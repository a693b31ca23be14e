import { describe, expect, it } from 'vitest';
import { INITIAL, reduce, type Action, type ViewState } from '../../client/src/view-state.js';
import type { EventMessage } from '../../src/server/protocol.js';
import { coverage, FakeSession, OTHER_CHECKLIST, stats, tracking } from '../server/fake-session.js';

const session = new FakeSession();
const hello = session.hello(null);
type Message = Extract<Action, { type: 'message' }>['message'];

function after(...messages: Message[]): ViewState {
  return messages.reduce((state, message) => reduce(state, { type: 'message', message }), reduce(INITIAL, { type: 'link', link: 'open' }));
}

const opened = (landmark: string, startPtsUs: number): EventMessage => ({
  type: 'event',
  event: 'sighting-opened',
  sourceId: 's1',
  landmark,
  startPtsUs,
});
const closed = (landmark: string, startPtsUs: number, endPtsUs: number): EventMessage => ({
  type: 'event',
  event: 'sighting-closed',
  sourceId: 's1',
  landmark,
  startPtsUs,
  endPtsUs,
  bestFrameId: 3,
  confidence: 0.8,
});

describe('reduce', () => {
  it('keeps what the server says', () => {
    const wireStats = { ...stats(), previewDelayMs: null, clientDroppedFrames: 2, drawDelayMs: null };
    const state = after(hello, coverage(), tracking(5), wireStats, {
      type: 'event',
      event: 'source',
      sourceId: 's1',
      state: 'stalled',
      detail: 'why',
      reconnects: 1,
    });
    expect(state).toMatchObject({
      hello: { source: { id: 's1' } },
      coverage: { checklistId: 'test-4' },
      tracking: { frameId: 5 },
      stats: { clientDroppedFrames: 2 },
      source: { state: 'stalled', detail: 'why', reconnects: 1 },
      ptsUs: 200_000,
    });
  });

  it('forgets a source when another takes its place, when it begins anew, and when the server comes back', () => {
    const before = after(hello, coverage(), tracking(5), opened('antrum', 0));
    const other = { ...hello, source: { id: 's2', label: 'b', live: true, simulated: false } };
    const forgotten = { coverage: null, tracking: null, intervals: [], ptsUs: 0, firstPtsUs: null };
    expect(reduce(before, { type: 'message', message: other })).toMatchObject(forgotten);
    const anew: Message = { type: 'event', event: 'source', sourceId: 's1', state: 'connecting', reconnects: 0 };
    expect(reduce(before, { type: 'message', message: anew })).toMatchObject(forgotten);
    expect(reduce(before, { type: 'link', link: 'open' })).toMatchObject(forgotten);
    const again: Message = { type: 'event', event: 'source', sourceId: 's1', state: 'connecting', reconnects: 1 };
    expect(reduce(before, { type: 'message', message: again }).coverage).not.toBeNull();
  });

  it('keeps the source and forgets the coverage when the checklist changes', () => {
    const state = after(hello, coverage(), tracking(5), { ...hello, checklist: OTHER_CHECKLIST });
    expect(state.coverage).toBeNull();
    expect(state.tracking?.frameId).toBe(5);
  });

  it('tells of sites documented while it watches, not of those before', () => {
    const first = after(hello, coverage(['documented', 'seen', 'unseen', 'unsupported']));
    expect(first.notices).toEqual([]);
    const next = reduce(first, { type: 'message', message: coverage(['documented', 'documented', 'unseen', 'unsupported']) });
    expect(next.notices.map(({ text, still }) => [text, still])).toEqual([['Antrum', '/stills/s1/antrum-7.jpg']]);
    const [notice] = next.notices;
    expect(reduce(next, { type: 'dismiss', id: notice!.id }).notices).toEqual([]);
  });

  it('keeps few notices', () => {
    const errors = Array.from({ length: 10 }, (_, count): Message => ({
      type: 'error',
      code: 'e',
      message: `error ${count}`,
      remedy: 'do',
    }));
    expect(after(...errors).notices.map(({ text, detail }) => [text, detail])).toEqual([
      ['error 7', 'do'],
      ['error 8', 'do'],
      ['error 9', 'do'],
    ]);
  });

  it('opens and closes sightings once each', () => {
    const state = after(
      hello,
      opened('antrum', 1),
      opened('antrum', 1),
      closed('antrum', 1, 5),
      opened('angulus', 6),
      closed('antrum', 1, 5),
    );
    expect(state.intervals).toEqual([
      { landmark: 'angulus', startPtsUs: 6, endPtsUs: null, confidence: null },
      { landmark: 'antrum', startPtsUs: 1, endPtsUs: 5, confidence: 0.8 },
    ]);
    expect(state.firstPtsUs).toBe(1);
  });

  it('closes the sighting that is open even where its start was corrected', () => {
    expect(after(hello, opened('antrum', 10), closed('antrum', 8, 20)).intervals).toEqual([
      { landmark: 'antrum', startPtsUs: 8, endPtsUs: 20, confidence: 0.8 },
    ]);
  });

  it('begins the timeline anew when a clip does, and not for a message out of order', () => {
    const long = after(hello, opened('antrum', 0), tracking(500));
    expect(reduce(long, { type: 'message', message: tracking(490) }).intervals).toHaveLength(1);
    const restarted = reduce(long, { type: 'message', message: tracking(1) });
    expect([restarted.intervals, restarted.firstPtsUs]).toEqual([[], 40_000]);
  });

  it('remembers the newest verdicts only', () => {
    const state = after(hello, ...Array.from({ length: 20 }, (_, id) => tracking(id, { quality: id < 15 ? 'good' : 'dark' })));
    expect(state.verdicts).toEqual(['good', 'dark', 'dark', 'dark', 'dark', 'dark']);
  });

  it('takes a new field of view', () => {
    const fieldOfView = { x: 1, y: 2, width: 3, height: 4, sourceWidth: 5, sourceHeight: 6 };
    expect(after(hello, { type: 'event', event: 'field-of-view', sourceId: 's1', fieldOfView }).hello?.fieldOfView).toEqual(fieldOfView);
  });
});
