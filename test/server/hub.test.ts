import { decode } from '@msgpack/msgpack';
import { describe, expect, it } from 'vitest';
import { BACKLOG_LIMIT_BYTES, FRAMES_BUFFERED, type HubClientOptions, type HubSocket } from '../../src/server/connection.js';
import { Hub } from '../../src/server/hub.js';
import { SIGHTINGS_REMEMBERED } from '../../src/server/source-memory.js';
import { FRAMES_IN_FLIGHT, type EventMessage, type ServerMessage } from '../../src/server/protocol.js';
import { coverage, FakeSession, frame, stats, tracking } from './fake-session.js';

/** A socket that is read only when the test says so. */
class FakeSocket implements HubSocket {
  bufferedAmount = 0;
  readonly sent: (Uint8Array | string)[] = [];
  closed: { code: number; reason: string } | null = null;
  /** Bytes are written at once, as on a fast network. */
  reads = true;

  send(data: Uint8Array | string): void {
    this.sent.push(data);
    if (!this.reads) this.bufferedAmount += data.length;
  }

  close(code: number, reason: string): void {
    this.closed = { code, reason };
  }

  get messages(): ServerMessage[] {
    return this.sent.map((data) => (typeof data === 'string' ? JSON.parse(data) : decode(data)) as ServerMessage);
  }

  types(): string[] {
    return this.messages.map((message) => message.type);
  }

  of<T extends ServerMessage['type']>(type: T): Extract<ServerMessage, { type: T }>[] {
    return this.messages.filter((message): message is Extract<ServerMessage, { type: T }> => message.type === type);
  }
}

function set(): {
  session: FakeSession;
  hub: Hub;
  clock: { ms: number };
  join: (options?: Partial<HubClientOptions>) => FakeSocket & { client: ReturnType<Hub['connect']> };
} {
  const session = new FakeSession();
  const clock = { ms: 1000 };
  const hub = new Hub({ hello: (sourceId) => session.hello(sourceId), nowMs: () => clock.ms });
  const join = (options: Partial<HubClientOptions> = {}): FakeSocket & { client: ReturnType<Hub['connect']> } => {
    const socket = new FakeSocket();
    const client = hub.connect(socket, { sourceId: null, frames: 'jpeg', ...options });
    return Object.assign(socket, { client });
  };
  return { session, hub, clock, join };
}

const opened = (landmark: string, startPtsUs: number): EventMessage => ({
  type: 'event',
  event: 'sighting-opened',
  sourceId: 's1',
  landmark,
  startPtsUs,
});
const closed = (landmark: string, startPtsUs: number): EventMessage => ({
  type: 'event',
  event: 'sighting-closed',
  sourceId: 's1',
  landmark,
  startPtsUs,
  endPtsUs: startPtsUs + 1_000_000,
  bestFrameId: 5,
  confidence: 0.9,
});
const picture = (bytes: number): { jpeg: Uint8Array } => ({ jpeg: new Uint8Array(bytes) });

describe('Hub: distribution', () => {
  it('greets first, then sends what happens, in order', () => {
    const { hub, join } = set();
    const socket = join();
    hub.publish(frame(0));
    hub.publish(tracking(0));
    hub.publish(coverage());
    hub.publish(frame(1));
    expect(socket.types()).toEqual(['hello', 'frame', 'tracking', 'coverage', 'frame']);
  });

  it('encodes a message once for all clients of an encoding', () => {
    const { hub, join } = set();
    const [a, b, c] = [join(), join(), join({ frames: 'none' })];
    hub.publish(frame(0, picture(1000)));
    expect(a.sent.at(-1)).toBe(b.sent.at(-1));
    expect(typeof c.sent.at(-1)).toBe('string');
  });

  it('sends JSON text without pictures to clients that want none', () => {
    const { hub, join } = set();
    const socket = join({ frames: 'none' });
    hub.publish(frame(3));
    expect(socket.of('frame')[0]).toEqual({ type: 'frame', sourceId: 's1', frameId: 3, ptsUs: 120_000, detection: null });
  });

  it('sends a client only the source it follows', () => {
    const { hub, join } = set();
    const socket = join();
    hub.publish(tracking(1, { sourceId: 'another' }));
    hub.publish(tracking(2));
    expect(socket.of('tracking').map(({ frameId }) => frameId)).toEqual([2]);
  });

  it('says that a source is unknown, and follows it once it exists', () => {
    const { hub, join, session } = set();
    const socket = join({ sourceId: 'later' });
    expect(socket.of('error')[0]).toMatchObject({ code: 'unknown-source', remedy: 'Ask for one of: s1.' });
    expect(socket.of('hello')[0]?.source).toBeNull();
    session.source = { id: 'later', label: 'later', live: true, simulated: false };
    hub.publish(session.hello(null));
    hub.publish(tracking(9, { sourceId: 'later' }));
    expect(socket.of('hello').at(-1)?.source?.id).toBe('later');
    expect(socket.of('tracking')[0]?.frameId).toBe(9);
  });

  it('sends errors to everyone and stops with a disconnect', () => {
    const { hub, join } = set();
    const [a, b] = [join(), join({ sourceId: 'x' })];
    b.client.disconnect();
    hub.publish({ type: 'error', code: 'boom', message: 'Boom.' });
    expect(a.of('error').map(({ code }) => code)).toEqual(['boom']);
    expect(b.of('error').map(({ code }) => code)).toEqual(['unknown-source']);
    expect(hub.totals.clients).toBe(1);
  });
});

describe('Hub: newcomers', () => {
  it('get hello, state, sightings so far, coverage and the last tracking', () => {
    const { hub, join } = set();
    hub.publish({ type: 'event', event: 'source', sourceId: 's1', state: 'connecting', reconnects: 0 });
    hub.publish({ type: 'event', event: 'source', sourceId: 's1', state: 'running', reconnects: 0 });
    hub.publish(opened('antrum', 0));
    hub.publish(closed('antrum', 0));
    hub.publish(opened('angulus', 3_000_000));
    hub.publish(coverage(['unseen', 'unseen', 'unseen', 'unseen']));
    hub.publish(coverage());
    hub.publish(tracking(1));
    hub.publish(tracking(2));
    hub.publish(frame(2));
    const socket = join();
    expect(socket.types()).toEqual(['hello', 'event', 'event', 'event', 'coverage', 'tracking']);
    expect(socket.of('event').map((event) => [event.event, event.past ?? false])).toEqual([
      ['source', false],
      ['sighting-closed', true],
      ['sighting-opened', true],
    ]);
    expect(socket.of('coverage')[0]?.sites[1]?.state).toBe('seen');
    expect(socket.of('tracking')[0]?.frameId).toBe(2);
  });

  it('are told of a bounded number of sightings', () => {
    const { hub, join } = set();
    for (let count = 0; count < SIGHTINGS_REMEMBERED + 20; count += 1) {
      hub.publish(opened('antrum', count));
      hub.publish(closed('antrum', count));
    }
    const events = join().of('event');
    expect(events).toHaveLength(SIGHTINGS_REMEMBERED);
    expect(events.at(-1)).toMatchObject({ startPtsUs: SIGHTINGS_REMEMBERED + 19 });
  });

  it('hear nothing of an earlier session of the same source', () => {
    const { hub, join } = set();
    hub.publish(coverage());
    hub.publish(closed('antrum', 0));
    hub.publish({ type: 'event', event: 'source', sourceId: 's1', state: 'connecting', reconnects: 0 });
    expect(join().types()).toEqual(['hello', 'event']);
  });

  it('hear of everything after a reconnection of the source', () => {
    const { hub, join } = set();
    hub.publish(coverage());
    hub.publish({ type: 'event', event: 'source', sourceId: 's1', state: 'connecting', reconnects: 1 });
    expect(join().types()).toEqual(['hello', 'event', 'coverage']);
  });

  it('hear nothing of a source that was closed', () => {
    const { hub, join, session } = set();
    hub.publish(coverage());
    session.source = null;
    hub.publish(session.hello(null));
    session.source = { id: 's1', label: 'new', live: true, simulated: false };
    hub.publish(session.hello(null));
    expect(join().types()).toEqual(['hello']);
  });
});

describe('Hub: backpressure', () => {
  it('keeps frames, and only frames, from a client that has about two of them waiting, and says how many', () => {
    const { hub, join } = set();
    const slow = join();
    slow.reads = false;
    slow.bufferedAmount = 0;
    for (let id = 0; id < 10; id += 1) {
      hub.publish(frame(id, picture(100_000)));
      hub.publish(tracking(id));
    }
    hub.publish(stats());
    const sent = slow.of('frame').length;
    expect(sent).toBe(FRAMES_BUFFERED);
    expect(slow.of('tracking')).toHaveLength(10);
    expect(slow.of('stats')[0]?.clientDroppedFrames).toBe(10 - sent);
    slow.bufferedAmount = 0;
    hub.publish(frame(10, picture(100_000)));
    expect(slow.of('frame').at(-1)?.frameId).toBe(10);
  });

  it('lets no client pay for another', () => {
    const { hub, join } = set();
    const [slow, quick] = [join(), join()];
    slow.reads = false;
    for (let id = 0; id < 10; id += 1) hub.publish(frame(id, picture(100_000)));
    hub.publish(stats());
    expect(quick.of('frame')).toHaveLength(10);
    expect(quick.of('stats')[0]?.clientDroppedFrames).toBe(0);
    expect(hub.totals).toMatchObject({ framesDropped: 10 - slow.of('frame').length });
  });

  it('does not call a client slow for a few small messages', () => {
    const { hub, join } = set();
    const socket = join();
    socket.reads = false;
    for (let id = 0; id < 20; id += 1) hub.publish(frame(id, picture(1000)));
    expect(socket.of('frame')).toHaveLength(20);
  });

  it('closes a client that has stopped reading, with the reason', () => {
    const { hub, join } = set();
    const stuck = join();
    stuck.reads = false;
    let sent = 0;
    while (stuck.closed === null && sent < 1e6) {
      hub.publish(tracking(sent));
      sent += 1;
    }
    expect(stuck.closed).toEqual({ code: 1013, reason: 'this client reads too slowly' });
    expect(stuck.bufferedAmount).toBeGreaterThan(BACKLOG_LIMIT_BYTES);
    expect(stuck.bufferedAmount).toBeLessThan(BACKLOG_LIMIT_BYTES * 1.01);
    expect(hub.totals).toMatchObject({ clients: 0, clientsEvicted: 1 });
  });

  it('does not close a client for its waiting frames', () => {
    const { hub, join } = set();
    const slow = join();
    slow.reads = false;
    for (let id = 0; id < 50; id += 1) hub.publish(frame(id, picture(2_000_000)));
    hub.publish(tracking(50));
    expect(slow.closed).toBeNull();
    expect(slow.types().at(-1)).toBe('tracking');
  });

  it('sends a client that reports drawn frames no more than it can follow', () => {
    const { hub, join } = set();
    const socket = join();
    hub.publish(frame(0));
    socket.client.receive(JSON.stringify({ type: 'drawn', sourceId: 's1', frameId: 0 }));
    for (let id = 1; id <= 20; id += 1) hub.publish(frame(id));
    expect(socket.of('frame').map(({ frameId }) => frameId)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
    expect(FRAMES_IN_FLIGHT).toBe(8);
    socket.client.receive(JSON.stringify({ type: 'drawn', sourceId: 's1', frameId: 8 }));
    hub.publish(frame(21));
    expect(socket.of('frame').at(-1)?.frameId).toBe(21);
  });

  it('asks a client that no longer reports, now and then, whether it is back', () => {
    const { hub, join, clock } = set();
    const socket = join();
    hub.publish(frame(0));
    socket.client.receive(JSON.stringify({ type: 'drawn', sourceId: 's1', frameId: 0 }));
    for (let id = 1; id <= 300; id += 1) {
      clock.ms += 33;
      hub.publish(frame(id));
    }
    // Eight frames, then one every two seconds of the remaining 9.6.
    expect(socket.of('frame')).toHaveLength(1 + 8 + 4);
    socket.client.receive(JSON.stringify({ type: 'drawn', sourceId: 's1', frameId: socket.of('frame').at(-1)!.frameId }));
    hub.publish(frame(301));
    expect(socket.of('frame').at(-1)?.frameId).toBe(301);
  });

  it('follows a source whose ids begin anew', () => {
    const { hub, join } = set();
    const socket = join();
    for (let id = 5000; id < 5008; id += 1) hub.publish(frame(id));
    socket.client.receive(JSON.stringify({ type: 'drawn', sourceId: 's1', frameId: 5003 }));
    for (let id = 0; id < 40; id += 1) {
      hub.publish(frame(id));
      socket.client.receive(JSON.stringify({ type: 'drawn', sourceId: 's1', frameId: id }));
    }
    expect(socket.of('frame')).toHaveLength(48);
  });

  it('does not hold the frames of an earlier source against a client', () => {
    const { hub, join, session } = set();
    const socket = join();
    hub.publish(frame(0));
    socket.client.receive(JSON.stringify({ type: 'drawn', sourceId: 's1', frameId: 0 }));
    for (let id = 1; id < 20; id += 1) hub.publish(frame(id));
    session.source = { id: 's2', label: 'second', live: true, simulated: false };
    hub.publish(session.hello(null));
    for (let id = 0; id < 20; id += 1) hub.publish(frame(id, { sourceId: 's2' }));
    expect(socket.of('frame').filter(({ sourceId }) => sourceId === 's2')).toHaveLength(FRAMES_IN_FLIGHT);
  });
});

describe('Hub: measures', () => {
  it('measures from capture to socket, and from socket to the screen of each client', () => {
    const { hub, join, clock } = set();
    const [a, b] = [join(), join()];
    hub.publish(frame(0, { capturedAtMs: 996 }));
    clock.ms = 1030;
    a.client.receive(JSON.stringify({ type: 'drawn', sourceId: 's1', frameId: 0 }));
    hub.publish(stats());
    expect(a.of('stats')[0]).toMatchObject({ previewDelayMs: { p50: 4, p95: 4 }, drawDelayMs: 30 });
    expect(b.of('stats')[0]).toMatchObject({ drawDelayMs: null });
    hub.publish(stats());
    expect(a.of('stats')[1]).toMatchObject({ previewDelayMs: null, drawDelayMs: null });
  });
});

describe('Hub: what clients send', () => {
  it('answers a ping', () => {
    const { join } = set();
    const socket = join();
    socket.client.receive('{"type":"ping","id":7}');
    expect(socket.of('pong')).toEqual([{ type: 'pong', id: 7 }]);
  });

  it.each(['', 'no json', '{}', '[]', 'null', '{"type":"drawn"}', '{"type":"ping","id":"x"}', '{"type":"format-disk"}'])(
    'answers %j with an error and stays connected',
    (text) => {
      const { join } = set();
      const socket = join();
      socket.client.receive(text);
      expect(socket.of('error')[0]?.code).toBe('bad-message');
      expect(socket.closed).toBeNull();
    },
  );

  it('says goodbye when the server stops', () => {
    const { hub, join } = set();
    const socket = join();
    hub.dispose();
    expect(socket.closed?.code).toBe(1001);
  });
});
