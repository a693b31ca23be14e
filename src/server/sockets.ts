import { STATUS_CODES, type IncomingMessage, type Server } from 'node:http';
import type { Duplex } from 'node:stream';
import { WebSocketServer, type WebSocket } from 'ws';
import type { Access } from './access.js';
import type { HubSocket } from './connection.js';
import type { Hub } from './hub.js';
import { HttpError, problemOf } from './problem.js';
import { SUBPROTOCOL } from './protocol.js';

/** Clients send short reports only. */
const MAX_CLIENT_MESSAGE_BYTES = 4096;
/** How long a client may take to answer the closing handshake; one that does not read never does. */
const CLOSE_GRACE_MS = 2000;

export interface SocketsOptions {
  readonly server: Server;
  readonly access: Access;
  readonly hub: Hub;
  readonly heartbeatMs: number;
  readonly log: (line: string) => void;
}

function hubSocket(socket: WebSocket): HubSocket {
  return {
    get bufferedAmount() {
      return socket.bufferedAmount;
    },
    send: (data) => {
      if (socket.readyState === socket.OPEN) socket.send(data);
    },
    close: (code, reason) => {
      socket.close(code, reason);
      setTimeout(() => {
        socket.terminate();
      }, CLOSE_GRACE_MS).unref();
    },
  };
}

function refuse(socket: Duplex, error: unknown): void {
  const problem = problemOf(error);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status] ?? 'Error'}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${Buffer.byteLength(body)}`,
  ];
  socket.once('finish', () => {
    socket.destroy();
  });
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

/** @throws HttpError 400 when the client asks only for subprotocols that we do not speak. */
function checkSubprotocol(request: IncomingMessage): void {
  const header = request.headers['sec-websocket-protocol'];
  if (header === undefined) return;
  const asked = header.split(',').map((name) => name.trim());
  if (asked.includes(SUBPROTOCOL)) return;
  const remedy = `Ask for ${SUBPROTOCOL}, or for none, which means the same.`;
  throw new HttpError(400, 'unsupported-subprotocol', `This server does not speak ${asked.join(', ')}.`, { remedy });
}

function framesOption(url: URL): 'jpeg' | 'none' {
  const frames = url.searchParams.get('frames') ?? 'jpeg';
  if (frames === 'jpeg' || frames === 'none') return frames;
  throw new HttpError(400, 'bad-request', `frames: "${frames}" is not known.`, { remedy: 'Use frames=jpeg or frames=none.' });
}

/** Connects the WebSockets of `/ws` to the hub. Returns how to let go of them. */
export function attachSockets(options: SocketsOptions): { dispose(): void } {
  const { server, access, hub, heartbeatMs, log } = options;
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_CLIENT_MESSAGE_BYTES,
    // JPEG does not shrink, and zlib contexts per client fragment the heap.
    perMessageDeflate: false,
    handleProtocols: (asked) => (asked.has(SUBPROTOCOL) ? SUBPROTOCOL : false),
  });
  const alive = new WeakSet<WebSocket>();

  server.on('upgrade', (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    stream.on('error', () => stream.destroy());
    try {
      const url = new URL(request.url ?? '/', 'http://server');
      access.check(request, url);
      if (url.pathname !== '/ws') throw new HttpError(404, 'not-found', 'WebSockets are at /ws.');
      checkSubprotocol(request);
      const frames = framesOption(url);
      const sourceId = url.searchParams.get('source');
      sockets.handleUpgrade(request, stream, head, (socket) => {
        // A picture must not wait until the previous one is acknowledged.
        request.socket.setNoDelay(true);
        welcome(socket, frames, sourceId);
      });
    } catch (error) {
      refuse(stream, error);
    }
  });

  function welcome(socket: WebSocket, frames: 'jpeg' | 'none', sourceId: string | null): void {
    alive.add(socket);
    const client = hub.connect(hubSocket(socket), { frames, sourceId });
    socket.on('pong', () => alive.add(socket));
    socket.on('message', (data, isBinary) => {
      alive.add(socket);
      client.receive(isBinary ? '' : rawText(data));
    });
    socket.on('error', (error) => {
      log(`A client broke the protocol: ${error.message}`);
    });
    socket.on('close', () => {
      client.disconnect();
    });
  }

  const heartbeat = setInterval(() => {
    for (const socket of sockets.clients) {
      if (!alive.delete(socket)) socket.terminate();
      else if (socket.readyState === socket.OPEN) socket.ping();
    }
  }, heartbeatMs);
  heartbeat.unref();

  return {
    dispose: () => {
      clearInterval(heartbeat);
      sockets.close();
      for (const socket of sockets.clients) {
        setTimeout(() => {
          socket.terminate();
        }, 200).unref();
      }
    },
  };
}

function rawText(data: Buffer | ArrayBuffer | Buffer[]): string {
  if (Array.isArray(data)) return Buffer.concat(data).toString('utf8');
  return Buffer.from(data as ArrayBuffer).toString('utf8');
}
