import { render } from 'preact';
import type { FrameMessage, ServerMessage } from '../../src/server/protocol.js';
import { connect } from './connection.js';
import { forgetToken } from './forget-token.js';
import type { Pulse } from './health.js';
import { createStore } from './store.js';
import { App } from './ui/app.js';
import { Transparent } from './ui/transparent.js';

const query = new URLSearchParams(location.search);
const transparent = query.get('transparent') === '1';
const store = createStore();
const pulse: Pulse = { frameAtMs: null, trackingAtMs: null, runningAtMs: null };
let show: ((frame: FrameMessage) => void) | null = null;
/** The newest frame that came before there was a canvas to draw it on. */
let early: FrameMessage | null = null;

function socketUrl(): string {
  const url = new URL('./ws', location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  url.search = '';
  for (const name of ['source', 'token']) {
    const value = query.get(name);
    if (value !== null) url.searchParams.set(name, value);
  }
  if (transparent) url.searchParams.set('frames', 'none');
  return url.href;
}

function onMessage(message: ServerMessage): void {
  const nowMs = performance.now();
  switch (message.type) {
    case 'frame':
      pulse.frameAtMs = nowMs;
      if (show !== null) show(message);
      else if (!transparent) early = message;
      return;
    case 'pong':
      return;
    case 'tracking':
      pulse.trackingAtMs = nowMs;
      break;
    case 'hello':
      if (message.source?.id !== store.get().hello?.source?.id)
        Object.assign(pulse, { frameAtMs: null, trackingAtMs: null, runningAtMs: nowMs });
      break;
    case 'event':
      // What runs again gets its time to deliver.
      if (message.event === 'source' && message.state === 'running') Object.assign(pulse, { frameAtMs: nowMs, runningAtMs: nowMs });
      if (message.event === 'source' && message.state === 'running' && pulse.trackingAtMs !== null) pulse.trackingAtMs = nowMs;
      break;
    case 'coverage':
    case 'procedure':
    case 'stats':
    case 'error':
  }
  store.dispatch({ type: 'message', message });
}

const connection = connect({
  url: socketUrl(),
  onOpen: () => {
    const nowMs = performance.now();
    if (pulse.frameAtMs !== null) pulse.frameAtMs = nowMs;
    if (pulse.trackingAtMs !== null) pulse.trackingAtMs = nowMs;
    store.dispatch({ type: 'link', link: 'open' });
  },
  onMessage,
  onLost: () => {
    store.dispatch({ type: 'link', link: store.get().hello === null ? 'connecting' : 'lost' });
  },
});

if (!transparent) forgetToken();

document.documentElement.classList.toggle('is-transparent', transparent);
const root = document.getElementById('app');
if (root !== null) {
  render(
    transparent ? (
      <Transparent store={store} pulse={pulse} />
    ) : (
      <App
        store={store}
        pulse={pulse}
        onReady={(ready) => {
          show = ready;
          if (early !== null && early.sourceId === store.get().hello?.source?.id) ready(early);
          early = null;
        }}
        onDone={({ sourceId, frameId }) => {
          connection.send({ type: 'drawn', sourceId, frameId });
        }}
      />
    ),
    root,
  );
}
