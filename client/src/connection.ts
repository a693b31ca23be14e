import { decode } from '@msgpack/msgpack';
import { SUBPROTOCOL, type ClientMessage, type ServerMessage } from '../../src/server/protocol.js';

/** Wait before the nth attempt to reconnect, ms: doubles up to 5 s, with a random part so that clients do not come all at once. */
export function backoffMs(attempt: number, random: () => number = Math.random): number {
  const full = Math.min(5000, 250 * 2 ** Math.min(attempt, 10));
  return full / 2 + (random() * full) / 2;
}

export interface ConnectionOptions {
  readonly url: string;
  readonly onOpen: () => void;
  readonly onMessage: (message: ServerMessage) => void;
  readonly onLost: () => void;
}

export interface Connection {
  send(message: ClientMessage): void;
  dispose(): void;
}

const PING_EVERY_MS = 3000;
/** A connection over which nothing comes for this long is dead, whatever the network says. */
const SILENCE_LIMIT_MS = 8000;

/** Keeps a connection to the server, over and over again. */
export function connect(options: ConnectionOptions): Connection {
  const { url, onOpen, onMessage, onLost } = options;
  let socket: WebSocket | null = null;
  let attempt = 0;
  let retry: number | undefined;
  let heardAtMs = 0;
  let pings = 0;
  let disposed = false;

  function open(): void {
    const opened = new WebSocket(url, SUBPROTOCOL);
    opened.binaryType = 'arraybuffer';
    socket = opened;
    heardAtMs = performance.now();
    opened.onopen = (): void => {
      attempt = 0;
      onOpen();
    };
    opened.onmessage = ({ data }: MessageEvent<ArrayBuffer | string>): void => {
      heardAtMs = performance.now();
      onMessage((typeof data === 'string' ? JSON.parse(data) : decode(data)) as ServerMessage);
    };
    opened.onclose = (): void => {
      lost(opened);
    };
  }

  function lost(closed: WebSocket): void {
    if (closed !== socket || disposed) return;
    socket = null;
    onLost();
    retry = window.setTimeout(open, backoffMs(attempt++));
  }

  const heart = window.setInterval(() => {
    if (socket === null) return;
    if (performance.now() - heardAtMs > SILENCE_LIMIT_MS) {
      const silent = socket;
      silent.close();
      lost(silent);
    } else if (socket.readyState === WebSocket.OPEN) {
      socket.send(JSON.stringify({ type: 'ping', id: ++pings } satisfies ClientMessage));
    }
  }, PING_EVERY_MS);

  function hurry(): void {
    if (socket !== null || disposed) return;
    window.clearTimeout(retry);
    open();
  }
  window.addEventListener('online', hurry);

  open();
  return {
    send: (message) => {
      if (socket?.readyState === WebSocket.OPEN) socket.send(JSON.stringify(message));
    },
    dispose: () => {
      disposed = true;
      window.clearInterval(heart);
      window.clearTimeout(retry);
      window.removeEventListener('online', hurry);
      socket?.close();
    },
  };
}
