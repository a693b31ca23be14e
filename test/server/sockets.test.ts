import { decode } from '@msgpack/msgpack';
import { createConnection, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket, type ClientOptions } from 'ws';
import { SUBPROTOCOL, type ServerMessage } from '../../src/server/protocol.js';
import { startServer, type LumenmarkServer, type ServerOptions } from '../../src/server/server.js';
import { coverage, FakeSession, frame, stats, tracking } from './fake-session.js';
import { eventually } from '../support/eventually.js';

const running: { dispose(): Promise<void> | void }[] = [];

afterEach(async () => {
  for (const one of running.splice(0).reverse()) await one.dispose();
});

async function start(options: Partial<ServerOptions> = {}): Promise<{ session: FakeSession; server: LumenmarkServer; log: string[] }> {
  const session = new FakeSession();
  const log: string[] = [];
  const server = await startServer({ controller: session, port: 0, clientDir: '/nonexistent', log: (line) => log.push(line), ...options });
  running.push(server);
  return { session, server, log };
}

interface TestClient {
  socket: WebSocket;
  messages: ServerMessage[];
  raw: (string | Uint8Array)[];
  waitFor: (test: (message: ServerMessage) => boolean) => Promise<ServerMessage>;
  closed: Promise<{ code: number; reason: string }>;
}

function client(server: LumenmarkServer, query = '', protocols: string[] = [SUBPROTOCOL], options: ClientOptions = {}): TestClient {
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}/ws${query}`, protocols, options);
  const messages: ServerMessage[] = [];
  const raw: (string | Uint8Array)[] = [];
  const waiting = new Set<() => void>();
  socket.on('message', (data: Buffer, isBinary) => {
    raw.push(isBinary ? data : data.toString('utf8'));
    messages.push((isBinary ? decode(data) : JSON.parse(data.toString('utf8'))) as ServerMessage);
    for (const check of waiting) check();
  });
  const closed = new Promise<{ code: number; reason: string }>((resolve) => {
    socket.on('close', (code, reason) => {
      resolve({ code, reason: reason.toString('utf8') });
    });
  });
  socket.on('error', () => undefined);
  running.push({
    dispose: () => {
      socket.terminate();
    },
  });
  const waitFor = (test: (message: ServerMessage) => boolean): Promise<ServerMessage> =>
    new Promise((resolve) => {
      const check = (): void => {
        const found = messages.find(test);
        if (found === undefined) return;
        waiting.delete(check);
        resolve(found);
      };
      waiting.add(check);
      check();
    });
  return { socket, messages, raw, waitFor, closed };
}

/** Status of the answer to an upgrade that is refused, with its problem. */
function refusal(
  server: LumenmarkServer,
  query: string,
  protocols: string[],
  options: ClientOptions = {},
): Promise<{ status: number; code: unknown }> {
  return new Promise((resolve, reject) => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}${query}`, protocols, options);
    socket.on('open', () => {
      reject(new Error('was let in'));
    });
    socket.on('error', () => undefined);
    socket.on('unexpected-response', (_request, response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      response.on('end', () => {
        resolve({ status: response.statusCode ?? 0, code: (JSON.parse(text) as { code: unknown }).code });
      });
    });
  });
}

describe('WebSockets: connection', () => {
  it('speaks lumenmark.v1 and greets', async () => {
    const { server } = await start();
    const { socket, waitFor } = client(server);
    expect(await waitFor(({ type }) => type === 'hello')).toMatchObject({ protocol: SUBPROTOCOL, source: { id: 's1' } });
    expect(socket.protocol).toBe(SUBPROTOCOL);
    expect(socket.extensions).toBe('');
  });

  it('picks lumenmark.v1 among several and takes clients that ask for none', async () => {
    const { server } = await start();
    const several = client(server, '', ['mqtt', SUBPROTOCOL]);
    await several.waitFor(({ type }) => type === 'hello');
    expect(several.socket.protocol).toBe(SUBPROTOCOL);
    const none = client(server, '', []);
    await none.waitFor(({ type }) => type === 'hello');
    expect(none.socket.protocol).toBe('');
  });

  it('refuses other subprotocols, paths, options, origins and missing tokens with a reason', async () => {
    const { server } = await start();
    expect(await refusal(server, '/ws', ['lumenmark.v2'])).toEqual({ status: 400, code: 'unsupported-subprotocol' });
    expect(await refusal(server, '/other', [])).toEqual({ status: 404, code: 'not-found' });
    expect(await refusal(server, '/ws?frames=png', [])).toEqual({ status: 400, code: 'bad-request' });
    expect(await refusal(server, '/ws', [], { origin: 'http://evil.example' })).toEqual({ status: 403, code: 'origin-refused' });
    expect(await refusal(server, '/ws', [], { headers: { Host: 'evil.example' } })).toEqual({ status: 403, code: 'host-refused' });
    const closed = await start({ token: 'secret' });
    expect(await refusal(closed.server, '/ws', [])).toEqual({ status: 401, code: 'token-required' });
    const inside = client(closed.server, '?token=secret');
    await inside.waitFor(({ type }) => type === 'hello');
  });

  it('sends binary MessagePack with pictures, or JSON text without', async () => {
    const { server, session } = await start();
    const [pictures, text] = [client(server), client(server, '?frames=none')];
    await Promise.all([pictures.waitFor(({ type }) => type === 'hello'), text.waitFor(({ type }) => type === 'hello')]);
    const jpeg = new Uint8Array(randomBytes(150_000));
    session.emit(frame(1, { jpeg }));
    session.emit(tracking(1));
    const drawn = await pictures.waitFor(({ type }) => type === 'frame');
    expect(Buffer.compare((drawn as { jpeg: Uint8Array }).jpeg, jpeg)).toBe(0);
    await pictures.waitFor(({ type }) => type === 'tracking');
    expect(await text.waitFor(({ type }) => type === 'frame')).not.toHaveProperty('jpeg');
    expect(pictures.raw.every((data) => typeof data !== 'string')).toBe(true);
    expect(text.raw.every((data) => typeof data === 'string')).toBe(true);
  });

  it('answers pings of the page and turns away messages that are too long', async () => {
    const { server } = await start();
    const one = client(server);
    await one.waitFor(({ type }) => type === 'hello');
    one.socket.send(JSON.stringify({ type: 'ping', id: 3 }));
    await one.waitFor((message) => message.type === 'pong' && message.id === 3);
    one.socket.send('x'.repeat(5000));
    expect((await one.closed).code).toBe(1009);
  });

  it('tells newcomers what is so, and everyone when the server stops', async () => {
    const { server, session } = await start();
    session.emit(coverage());
    session.emit(tracking(2));
    const late = client(server);
    await late.waitFor(({ type }) => type === 'tracking');
    expect(late.messages.map(({ type }) => type)).toEqual(['hello', 'coverage', 'tracking']);
    await server.dispose();
    expect(await late.closed).toEqual({ code: 1001, reason: 'the server is stopping' });
  });
});

/** A client that has shaken hands and then never reads: its receive buffer fills, then the server's. */
async function deafClient(server: LumenmarkServer): Promise<{ socket: Socket; closed: Promise<void> }> {
  const socket = createConnection({ port: server.port, host: '127.0.0.1' });
  running.push({
    dispose: () => {
      socket.destroy();
    },
  });
  socket.on('error', () => undefined);
  const closed = new Promise<void>((resolve) => {
    socket.on('close', () => {
      resolve();
    });
  });
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n\r\n`,
  );
  await new Promise<void>((resolve) => {
    socket.once('data', () => {
      resolve();
    });
  });
  socket.pause();
  return { socket, closed };
}

describe('WebSockets: slow clients', () => {
  it('lose frames, which are counted, while others lose none', async () => {
    const { server, session } = await start();
    const quick = client(server);
    await quick.waitFor(({ type }) => type === 'hello');
    const slow = await deafClient(server);
    const jpeg = new Uint8Array(randomBytes(400_000));
    const total = 60;
    for (let id = 0; id < total; id += 1) {
      session.emit(frame(id, { jpeg }));
      await quick.waitFor((message) => message.type === 'frame' && message.frameId === id);
    }
    session.emit(stats());
    expect(await quick.waitFor(({ type }) => type === 'stats')).toMatchObject({ clientDroppedFrames: 0 });
    expect(quick.messages.filter(({ type }) => type === 'frame')).toHaveLength(total);
    expect(server.hub.totals.framesDropped).toBeGreaterThan(0);
    expect(server.hub.totals.framesSent + server.hub.totals.framesDropped).toBe(2 * total);
    slow.socket.destroy();
  });

  it('get every other message, in order, when they read in fits and starts', async () => {
    const { server, session } = await start();
    const fitful = client(server);
    await fitful.waitFor(({ type }) => type === 'hello');
    const jpeg = new Uint8Array(randomBytes(500_000));
    const total = 200;
    for (let id = 0; id < total; id += 1) {
      if (id % 40 === 0) fitful.socket.pause();
      if (id % 40 === 30) fitful.socket.resume();
      session.emit(frame(id, { jpeg }));
      session.emit(tracking(id));
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    fitful.socket.resume();
    await fitful.waitFor((message) => message.type === 'tracking' && message.frameId === total - 1);
    const idsOf = (type: 'frame' | 'tracking'): number[] =>
      fitful.messages.flatMap((message) => (message.type === type ? [message.frameId] : []));
    expect(idsOf('tracking')).toEqual(Array.from({ length: total }, (_, id) => id));
    const frames = idsOf('frame');
    expect(frames).toEqual(frames.toSorted((a, b) => a - b));
    expect(frames.length + server.hub.totals.framesDropped).toBe(total);
    expect(server.hub.totals.framesDropped).toBeGreaterThan(0);
  });

  it('are let go when they have stopped reading altogether', async () => {
    const { server, session } = await start();
    const deaf = await deafClient(server);
    const detail = 'x'.repeat(60_000);
    for (let count = 0; count < 2000 && server.hub.totals.clientsEvicted === 0; count += 1) {
      session.emit({ type: 'event', event: 'source', sourceId: 's1', state: 'running', reconnects: 0, detail });
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(server.hub.totals).toMatchObject({ clients: 0, clientsEvicted: 1 });
    deaf.socket.resume();
    await deaf.closed;
  });

  it('are let go when they answer no ping', async () => {
    const { server } = await start({ heartbeatMs: 50 });
    const deaf = await deafClient(server);
    const lively = client(server);
    await lively.waitFor(({ type }) => type === 'hello');
    deaf.socket.resume();
    await deaf.closed;
    await eventually(() => server.hub.totals.clients).toBe(1);
    expect(lively.socket.readyState).toBe(WebSocket.OPEN);
  });
});
