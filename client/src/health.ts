import type { ViewState } from './view-state.js';

/**
 * What the indicator on the picture says. `ready`: video and analysis run, nothing is recognised; `active`: a landmark is held;
 * `waiting`: not running yet; `stale`: what is shown is not live; `fault`: something failed; `ended`: the source is over;
 * `off`: there is no source.
 */
export type Level = 'off' | 'waiting' | 'ready' | 'active' | 'stale' | 'fault' | 'ended';

export interface Health {
  readonly level: Level;
  /** One short line for people; empty where there is nothing to say. */
  readonly text: string;
  readonly detail: string | null;
  /** Whether what is seen is what happens now. */
  readonly live: boolean;
}

/** When things were last heard of, ms of one clock; null before the first time. */
export interface Pulse {
  frameAtMs: number | null;
  trackingAtMs: number | null;
  /** When the source began to run. */
  runningAtMs: number | null;
}

export const FRAME_TIMEOUT_MS = 2500;
export const TRACKING_TIMEOUT_MS = 4000;

function sinceS(thenMs: number, nowMs: number): string {
  return `${Math.floor((nowMs - thenMs) / 1000)} s`;
}

/** Never says that all is well unless frames and their analysis arrive. */
export function assess(state: ViewState, pulse: Pulse, nowMs: number, expectFrames: boolean): Health {
  const say = (level: Level, text = '', detail: string | null = null): Health => ({ level, text, detail, live: false });
  const live = (health: Health): Health => ({ ...health, live: true });
  if (state.link !== 'open') {
    return state.hello === null
      ? say('waiting', 'Connecting …')
      : say('stale', 'Connection lost', 'Reconnecting. This picture is not live.');
  }
  const source = state.hello?.source ?? null;
  if (source === null) return say('off');
  const detail = state.source?.detail ?? null;
  switch (state.source?.state) {
    case 'failed':
      return say('fault', 'Source failed', detail);
    case 'stalled':
      return say('stale', 'Source has stopped delivering', detail);
    case 'reconnecting':
      return say('stale', 'Source lost, reconnecting', detail);
    case 'ended':
      return say('ended', 'End of the recording', detail);
    case 'connecting':
      return say('waiting', 'Connecting to the source …', detail);
    case 'searching-field-of-view':
      return say('waiting', 'Looking for the field of view …', detail);
    case 'running':
    case undefined:
  }
  const began = pulse.runningAtMs ?? nowMs;
  const frameAtMs = pulse.frameAtMs ?? began;
  const trackingAtMs = pulse.trackingAtMs ?? began;
  if (expectFrames && nowMs - frameAtMs > FRAME_TIMEOUT_MS) {
    return say('stale', `No picture for ${sinceS(frameAtMs, nowMs)}`, 'This picture is not live.');
  }
  if (nowMs - trackingAtMs > TRACKING_TIMEOUT_MS)
    return live(say('fault', 'Analysis has stopped', 'The video is live; landmarks are not being tracked.'));
  if (pulse.trackingAtMs === null) return live(say('waiting', 'Starting …'));
  const landmark = state.tracking?.landmark ?? null;
  return live(say(landmark === null ? 'ready' : 'active'));
}
