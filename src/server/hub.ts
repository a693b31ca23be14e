import { z } from 'zod';
import { Connection, type HubClientOptions, type HubSocket } from './connection.js';
import { Delays } from './delays.js';
import { encodeOnce } from './encode.js';
import { FRAMES_IN_FLIGHT, type HelloMessage, type ServerMessage, type StatsMessage } from './protocol.js';
import { emptyMemory, remember, type SourceMemory } from './source-memory.js';
import type { SessionFrame, SessionMessage, SessionStats } from './session.js';

export interface HubClient {
  /** Takes a message of the client. Anything unintelligible is answered with an `error` message. */
  receive(text: string): void;
  /** The connection is gone. */
  disconnect(): void;
}

export interface HubOptions {
  /** See `SessionController.hello`. */
  readonly hello: (sourceId: string | null) => HelloMessage;
  /** Clock in ms, the one of `capturedAtMs`. */
  readonly nowMs?: () => number;
}

export interface HubTotals {
  clients: number;
  framesSent: number;
  framesDropped: number;
  messagesSent: number;
  bytesSent: number;
  /** Clients closed because they read too slowly. */
  clientsEvicted: number;
}

/** WebSocket close code "try again later". */
const CLOSE_TOO_SLOW = 1013;
/** WebSocket close code "going away". */
const CLOSE_GOING_AWAY = 1001;

const clientMessage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ping'), id: z.number() }),
  z.object({ type: z.literal('drawn'), sourceId: z.string(), frameId: z.number() }),
]);

type Encoded = ReturnType<typeof encodeOnce>;

/**
 * Distributes the messages of a session to its clients. Each message is encoded once per encoding; a client that does not
 * keep up loses frames and nothing else, and costs the others nothing; one that has stopped reading is closed.
 */
export class Hub {
  readonly #hello: HubOptions['hello'];
  readonly #nowMs: () => number;
  readonly #clients = new Set<Connection>();
  readonly #memories = new Map<string, SourceMemory>();
  readonly #previewDelays = new Map<string, Delays>();
  readonly #totals: Omit<HubTotals, 'clients'> = { framesSent: 0, framesDropped: 0, messagesSent: 0, bytesSent: 0, clientsEvicted: 0 };

  constructor(options: HubOptions) {
    this.#hello = options.hello;
    this.#nowMs = options.nowMs ?? ((): number => performance.now());
  }

  get totals(): HubTotals {
    return { clients: this.#clients.size, ...this.#totals };
  }

  /** What is remembered of a source; undefined before its first message. */
  memory(sourceId: string): Readonly<SourceMemory> | undefined {
    return this.#memories.get(sourceId);
  }

  connect(socket: HubSocket, options: HubClientOptions): HubClient {
    const client = new Connection(socket, options);
    this.#clients.add(client);
    const hello = this.#hello(options.sourceId);
    client.sourceId = hello.source?.id ?? options.sourceId;
    this.#send(client, encodeOnce(hello));
    if (hello.source === null && options.sourceId !== null) {
      const known = hello.sources.map((source) => source.id).join(', ');
      const message = `No source is called "${options.sourceId}".`;
      const remedy = known === '' ? 'Its messages follow when it is opened.' : `Ask for one of: ${known}.`;
      this.#send(client, encodeOnce({ type: 'error', code: 'unknown-source', message, remedy }));
    }
    if (client.sourceId !== null) this.#catchUp(client, client.sourceId);
    return {
      receive: (text) => {
        this.#receive(client, text);
      },
      disconnect: () => {
        this.#clients.delete(client);
      },
    };
  }

  publish(message: SessionMessage): void {
    switch (message.type) {
      case 'hello':
        this.#announce(message);
        return;
      case 'frame':
        this.#publishFrame(message);
        return;
      case 'stats':
        this.#publishStats(message);
        return;
      case 'error':
        this.#broadcast(message, () => true);
        return;
      case 'event':
      case 'tracking':
      case 'coverage':
      case 'procedure':
        remember(this.#memoryOf(message.sourceId), message);
        this.#broadcast(message, (client) => client.sourceId === message.sourceId);
    }
  }

  /** Closes every client. */
  dispose(): void {
    for (const client of this.#clients) client.socket.close(CLOSE_GOING_AWAY, 'the server is stopping');
    this.#clients.clear();
    this.#memories.clear();
  }

  #announce(announced: HelloMessage): void {
    const alive = new Set(announced.sources.map((source) => source.id));
    for (const id of this.#memories.keys()) {
      if (alive.has(id)) continue;
      this.#memories.delete(id);
      this.#previewDelays.delete(id);
    }
    const hellos = new Map<string | null, { sourceId: string | null; encoded: Encoded }>();
    for (const client of this.#clients) {
      const asked = client.options.sourceId;
      let hello = hellos.get(asked);
      if (hello === undefined) {
        const message = this.#hello(asked);
        hello = { sourceId: message.source?.id ?? asked, encoded: encodeOnce(message) };
        hellos.set(asked, hello);
      }
      const changed = client.sourceId !== hello.sourceId;
      client.sourceId = hello.sourceId;
      if (changed) client.inFlight = [];
      this.#send(client, hello.encoded);
      if (changed && hello.sourceId !== null) this.#catchUp(client, hello.sourceId);
    }
  }

  #publishFrame(message: SessionFrame): void {
    const encoded = encodeOnce(message);
    let written = false;
    for (const client of this.#clients) {
      if (client.sourceId !== message.sourceId) continue;
      if (client.slow(this.#nowMs())) {
        client.droppedFrames += 1;
        this.#totals.framesDropped += 1;
        continue;
      }
      const data = encoded(client.encoding);
      client.largestFrameBytes = Math.max(client.largestFrameBytes, data.length);
      client.inFlight.push({ sourceId: message.sourceId, frameId: message.frameId, sentAtMs: this.#nowMs() });
      if (client.inFlight.length > FRAMES_IN_FLIGHT) client.inFlight.shift();
      this.#send(client, encoded);
      this.#totals.framesSent += 1;
      written = true;
    }
    if (written) this.#delaysOf(message.sourceId).add(this.#nowMs() - message.capturedAtMs);
  }

  #publishStats(stats: SessionStats): void {
    this.#memoryOf(stats.sourceId).stats = stats;
    const previewDelayMs = this.#delaysOf(stats.sourceId).take();
    for (const client of this.#clients) {
      if (client.sourceId !== stats.sourceId) continue;
      const own: StatsMessage = {
        ...stats,
        previewDelayMs,
        clientDroppedFrames: client.droppedFrames,
        drawDelayMs: client.drawDelays.take()?.p50 ?? null,
      };
      this.#send(client, encodeOnce(own));
    }
  }

  #catchUp(client: Connection, sourceId: string): void {
    const memory = this.#memories.get(sourceId);
    if (memory === undefined) return;
    if (memory.state !== null) this.#send(client, encodeOnce(memory.state));
    for (const sighting of memory.sightings) this.#send(client, encodeOnce({ ...sighting, past: true }));
    if (memory.coverage !== null) this.#send(client, encodeOnce(memory.coverage));
    if (memory.tracking !== null) this.#send(client, encodeOnce(memory.tracking));
    if (memory.procedure !== null) this.#send(client, encodeOnce(memory.procedure));
  }

  #receive(client: Connection, text: string): void {
    const message = parseClientMessage(text);
    if (message === null) {
      const error = { type: 'error', code: 'bad-message', message: 'The server does not understand this message.' } as const;
      this.#send(client, encodeOnce({ ...error, remedy: 'Send JSON text as docs/protocol.md describes, or nothing.' }));
    } else if (message.type === 'ping') this.#send(client, encodeOnce({ type: 'pong', id: message.id }));
    else client.drawn(message.sourceId, message.frameId, this.#nowMs());
  }

  #broadcast(message: ServerMessage, wants: (client: Connection) => boolean): void {
    const encoded = encodeOnce(message);
    for (const client of this.#clients) if (wants(client)) this.#send(client, encoded);
  }

  #send(client: Connection, encoded: Encoded): void {
    if (client.stuck) {
      this.#clients.delete(client);
      this.#totals.clientsEvicted += 1;
      client.socket.close(CLOSE_TOO_SLOW, 'this client reads too slowly');
      return;
    }
    const data = encoded(client.encoding);
    client.socket.send(data);
    this.#totals.messagesSent += 1;
    this.#totals.bytesSent += data.length;
  }

  #memoryOf(sourceId: string): SourceMemory {
    let memory = this.#memories.get(sourceId);
    if (memory === undefined) {
      memory = emptyMemory();
      this.#memories.set(sourceId, memory);
    }
    return memory;
  }

  #delaysOf(sourceId: string): Delays {
    let delays = this.#previewDelays.get(sourceId);
    if (delays === undefined) {
      delays = new Delays();
      this.#previewDelays.set(sourceId, delays);
    }
    return delays;
  }
}

function parseClientMessage(text: string): z.infer<typeof clientMessage> | null {
  try {
    return clientMessage.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
