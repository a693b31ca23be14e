import { Delays } from './delays.js';
import type { Encoding } from './encode.js';
import { FRAMES_IN_FLIGHT } from './protocol.js';

/** What the hub needs of a connection. `send` must not block; what it cannot write yet counts into `bufferedAmount`, bytes. */
export interface HubSocket {
  readonly bufferedAmount: number;
  send(data: Uint8Array | string): void;
  close(code: number, reason: string): void;
}

export interface HubClientOptions {
  /** Source to follow; null follows the one shown by default. */
  readonly sourceId: string | null;
  /** `none`: no pictures, and JSON text instead of MessagePack. */
  readonly frames: 'jpeg' | 'none';
}

/** Frames are kept from a client while more than this many of them wait in its socket. */
export const FRAMES_BUFFERED = 2;
/** Below this many waiting bytes a client is never called slow, however small its frames are. */
const SLOW_FLOOR_BYTES = 64 * 1024;
/** A client with more than this waiting, beyond what its frames can account for, is closed with 1013. */
export const BACKLOG_LIMIT_BYTES = 1024 * 1024;
/** A client that has stopped reporting what it draws is sent a frame this often, ms. */
const PROBE_AFTER_MS = 2000;

/** One client as the hub sees it: what it asked for, and how well it keeps up. */
export class Connection {
  readonly socket: HubSocket;
  readonly options: HubClientOptions;
  readonly encoding: Encoding;
  droppedFrames = 0;
  largestFrameBytes = 0;
  /** Source whose messages this client is sent; follows the default source where none was asked for. */
  sourceId: string | null = null;
  reportsDrawn = false;
  /** Frames sent and not yet reported as drawn, oldest first; kept short for clients that never report. */
  inFlight: { sourceId: string; frameId: number; sentAtMs: number }[] = [];
  readonly drawDelays = new Delays(128);

  constructor(socket: HubSocket, options: HubClientOptions) {
    this.socket = socket;
    this.options = options;
    this.encoding = options.frames === 'jpeg' ? 'messagepack' : 'json';
  }

  slow(nowMs: number): boolean {
    const waiting = Math.max(SLOW_FLOOR_BYTES, FRAMES_BUFFERED * this.largestFrameBytes);
    if (this.socket.bufferedAmount > waiting) return true;
    if (!this.reportsDrawn || this.inFlight.length < FRAMES_IN_FLIGHT) return false;
    // A hidden page reports nothing; a frame now and then asks whether it is back, or whether a report was lost.
    return nowMs - (this.inFlight.at(-1)?.sentAtMs ?? 0) < PROBE_AFTER_MS;
  }

  get stuck(): boolean {
    return this.socket.bufferedAmount > BACKLOG_LIMIT_BYTES + (FRAMES_BUFFERED + 1) * this.largestFrameBytes;
  }

  drawn(sourceId: string, frameId: number, nowMs: number): void {
    this.reportsDrawn = true;
    // In the order of sending, since ids begin anew when a source does.
    const position = this.inFlight.findLastIndex((frame) => frame.sourceId === sourceId && frame.frameId === frameId);
    const own = this.inFlight[position];
    if (own === undefined) return;
    this.drawDelays.add(nowMs - own.sentAtMs);
    this.inFlight = this.inFlight.slice(position + 1);
  }
}
