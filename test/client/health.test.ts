import { describe, expect, it } from 'vitest';
import { assess, FRAME_TIMEOUT_MS, TRACKING_TIMEOUT_MS, type Pulse } from '../../client/src/health.js';
import { INITIAL, type ViewState } from '../../client/src/view-state.js';
import { FakeSession, tracking } from '../server/fake-session.js';

const hello = new FakeSession().hello(null);
const running: ViewState = {
  ...INITIAL,
  link: 'open',
  hello,
  tracking: tracking(1),
  source: { state: 'running', detail: null, reconnects: 0 },
};
const NOW = 100_000;
const fresh: Pulse = { frameAtMs: NOW - 30, trackingAtMs: NOW - 80, runningAtMs: 0 };

describe('assess', () => {
  it('is active while a landmark is held and ready while none is', () => {
    expect(assess(running, fresh, NOW, true)).toMatchObject({ level: 'active', live: true, text: '' });
    expect(assess({ ...running, tracking: tracking(1, { landmark: null }) }, fresh, NOW, true)).toMatchObject({
      level: 'ready',
      live: true,
    });
  });

  it('never calls a picture live without a connection', () => {
    expect(assess({ ...running, link: 'lost' }, fresh, NOW, true)).toMatchObject({ level: 'stale', live: false });
    expect(assess({ ...running, link: 'connecting', hello: null }, fresh, NOW, true)).toMatchObject({ level: 'waiting', live: false });
  });

  it('is off without a source', () => {
    expect(assess({ ...running, hello: { ...hello, source: null } }, fresh, NOW, true)).toMatchObject({ level: 'off', live: false });
  });

  it('never calls a picture live unless the source runs', () => {
    for (const state of ['connecting', 'searching-field-of-view', 'reconnecting', 'stalled', 'ended', 'failed'] as const) {
      const health = assess({ ...running, source: { state, detail: 'why', reconnects: 0 } }, fresh, NOW, true);
      expect([state, health.live, health.detail]).toEqual([state, false, 'why']);
      expect(health.text).not.toBe('');
    }
  });

  it('is stale just after frames stop, unless it gets none anyway', () => {
    const late = { ...fresh, frameAtMs: NOW - FRAME_TIMEOUT_MS - 1 };
    expect(assess(running, { ...late, frameAtMs: NOW - FRAME_TIMEOUT_MS }, NOW, true).level).toBe('active');
    expect(assess(running, late, NOW, true)).toMatchObject({ level: 'stale', live: false, text: 'No picture for 2 s' });
    expect(assess(running, late, NOW, false).level).toBe('active');
  });

  it('is a fault, over live video, when the analysis stops', () => {
    expect(assess(running, { ...fresh, trackingAtMs: NOW - TRACKING_TIMEOUT_MS - 1 }, NOW, true)).toMatchObject({
      level: 'fault',
      live: true,
    });
  });

  it('gives a source that has just begun its time', () => {
    const begun = { frameAtMs: null, trackingAtMs: null, runningAtMs: NOW - 1000 };
    expect(assess(running, begun, NOW, true).level).toBe('waiting');
    expect(assess(running, { ...begun, runningAtMs: NOW - FRAME_TIMEOUT_MS - 1 }, NOW, true).level).toBe('stale');
    const frames = { ...begun, frameAtMs: NOW - 10, runningAtMs: NOW - TRACKING_TIMEOUT_MS - 1 };
    expect(assess(running, frames, NOW, true).level).toBe('fault');
  });
});
