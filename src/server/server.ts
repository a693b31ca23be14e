import { createServer, type Server } from 'node:http';
import { networkInterfaces } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { AddressInfo } from 'node:net';
import { UsageError, messageOf } from '../common/errors.js';
import { Access, authority, createToken, isLoopback } from './access.js';
import { apiRoutes } from './api.js';
import { createRequestHandler } from './http.js';
import { Hub } from './hub.js';
import { recordingRoutes } from './recording-routes.js';
import type { Route } from './router.js';
import type { SessionController } from './session.js';
import { attachSockets } from './sockets.js';
import { createStaticFiles } from './static-files.js';
import { Uploads } from './uploads.js';

export interface ServerOptions {
  readonly controller: SessionController;
  /** Default 8787; 0 takes any free port. */
  readonly port?: number;
  /** Address to listen on. Default `127.0.0.1` (with `::1` where there is IPv6); any other one opens the server to the network. */
  readonly host?: string;
  /** Asked of every client. Made up when the server is open to the network and none is given. */
  readonly token?: string;
  /** Further host names under which browsers may reach the server, e.g. behind a proxy. */
  readonly allowedHosts?: readonly string[];
  /** Folder of the built page; default `dist/client`. */
  readonly clientDir?: string;
  /** Space that uploads may take together, bytes; default 8 GiB. */
  readonly maxUploadBytes?: number;
  /** Further routes, tried before the server's own. */
  readonly routes?: readonly Route[];
  /** A client that has answered no ping for this long is let go, ms; default 15 000. */
  readonly heartbeatMs?: number;
  /** Gets one line per fault, never a secret. Default: nothing is said. */
  readonly log?: (line: string) => void;
}

export interface LumenmarkServer {
  /** Address of the page, with the token where one is needed: print it once, and keep it out of logs. */
  readonly url: string;
  readonly port: number;
  readonly hub: Hub;
  /** Closes the clients and the port, deletes uploads, and resolves when all is gone. Safe to call twice. */
  dispose(): Promise<void>;
}

const DEFAULT_PORT = 8787;
const DEFAULT_MAX_UPLOAD_BYTES = 8 * 2 ** 30;
const DEFAULT_HEARTBEAT_MS = 15_000;

/** @throws UsageError `port-in-use`, `port-forbidden`, `host-unknown` */
async function listen(server: Server, host: string, port: number): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host, port, exclusive: true }, () => {
        server.off('error', reject);
        resolve();
      });
    });
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'EADDRINUSE') {
      const remedy = `Stop the other program, or choose another port, e.g. --port ${port + 1}.`;
      throw new UsageError('port-in-use', `Port ${port} on ${host} is used by another program.`, { cause: error, remedy });
    }
    if (code === 'EACCES') {
      const remedy = 'Choose a port above 1023.';
      throw new UsageError('port-forbidden', `This account may not open port ${port}.`, { cause: error, remedy });
    }
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || code === 'EAFNOSUPPORT') {
      const remedy = 'Use 127.0.0.1 for this machine alone, or 0.0.0.0 for the network.';
      throw new UsageError('host-unknown', `"${host}" is no address of this machine.`, { cause: error, remedy });
    }
    throw error;
  }
  return (server.address() as AddressInfo).port;
}

/** The name to reach `host` by: for "any address", the first one that the network knows. */
function reachableHost(host: string): string {
  if (isLoopback(host)) return 'localhost';
  if (host !== '0.0.0.0' && host !== '::') return host;
  const addresses = Object.values(networkInterfaces()).flatMap((entries) => entries ?? []);
  return addresses.find((entry) => entry.family === 'IPv4' && !entry.internal)?.address ?? 'localhost';
}

function close(server: Server): Promise<void> {
  return new Promise((resolve) => {
    server.close(() => {
      resolve();
    });
    server.closeIdleConnections();
    setTimeout(() => {
      server.closeAllConnections();
    }, 500).unref();
  });
}

/** Serves the page, the HTTP interface and the WebSockets of a session. */
export async function startServer(options: ServerOptions): Promise<LumenmarkServer> {
  const host = options.host ?? '127.0.0.1';
  const log = options.log ?? ((): void => undefined);
  const token = options.token ?? (isLoopback(host) ? undefined : createToken());
  const allowedHosts = options.allowedHosts ?? [];
  const access = new Access(token === undefined ? { allowedHosts } : { token, allowedHosts });
  const { controller } = options;
  const hub = new Hub({ hello: (sourceId) => controller.hello(sourceId) });
  const uploads = new Uploads(options.maxUploadBytes ?? DEFAULT_MAX_UPLOAD_BYTES);
  const files = createStaticFiles(options.clientDir ?? fileURLToPath(new URL('../../dist/client', import.meta.url)));
  const routes = [...(options.routes ?? []), ...apiRoutes(controller, hub, uploads), ...recordingRoutes(controller)];
  const handler = createRequestHandler({ routes, files, access, log });

  function create(): { server: Server; sockets: { dispose(): void } } {
    const server = createServer((request, response) => void handler(request, response));
    // Uploads of hours of video may take longer than the default five minutes.
    server.requestTimeout = 0;
    const heartbeatMs = options.heartbeatMs ?? DEFAULT_HEARTBEAT_MS;
    return { server, sockets: attachSockets({ server, access, hub, heartbeatMs, log }) };
  }

  const main = create();
  const listening = [main];
  let port: number;
  try {
    port = await listen(main.server, host, options.port ?? DEFAULT_PORT);
    if (host === '127.0.0.1') {
      // Browsers try ::1 first for "localhost"; another program there would be taken for this one.
      const second = create();
      try {
        await listen(second.server, '::1', port);
        listening.push(second);
      } catch (error) {
        second.sockets.dispose();
        if (error instanceof UsageError && error.code === 'port-in-use' && options.port !== 0) throw error;
      }
    }
  } catch (error) {
    for (const { server, sockets } of listening) {
      sockets.dispose();
      server.close();
    }
    throw error;
  }

  const subscription = controller.messages.subscribe({
    next: (message) => {
      try {
        hub.publish(message);
      } catch (error) {
        // One message that cannot be sent must not end a procedure.
        log(`A message of type ${message.type} was not sent: ${messageOf(error)}`);
      }
    },
    error: (error: unknown) => {
      log(`The session ended with a fault: ${messageOf(error)}`);
    },
  });
  const query = token === undefined ? '' : `?token=${token}`;
  let disposed: Promise<void> | null = null;
  return {
    url: `http://${authority(reachableHost(host), port)}/${query}`,
    port,
    hub,
    dispose: () =>
      (disposed ??= (async () => {
        subscription.unsubscribe();
        hub.dispose();
        for (const { sockets } of listening) sockets.dispose();
        await Promise.all(listening.map(({ server }) => close(server)));
        await uploads.dispose();
      })()),
  };
}
