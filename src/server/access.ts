import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import { isIP } from 'node:net';
import type { IncomingMessage } from 'node:http';
import { HttpError } from './problem.js';

const LOOPBACK_NAMES = new Set(['localhost', '127.0.0.1', '::1']);

/** True for hosts that only this machine can reach. */
export function isLoopback(host: string): boolean {
  return LOOPBACK_NAMES.has(host) || (isIP(host) === 4 && host.startsWith('127.'));
}

export function createToken(): string {
  return randomBytes(16).toString('base64url');
}

export interface AccessOptions {
  /** Without one only `Host` and `Origin` protect the server, which is enough on loopback. */
  readonly token?: string;
  /** Further names (without port) under which browsers may reach this server, e.g. behind a proxy. */
  readonly allowedHosts?: readonly string[];
}

/** Host name of a `Host` header or of an authority, without port and brackets; null when it is none. */
function hostName(authority: string | undefined): string | null {
  if (authority === undefined || /[/@\s\\?#]/.test(authority)) return null;
  try {
    return new URL(`http://${authority}`).hostname.replace(/^\[|\]$/g, '').toLowerCase();
  } catch {
    return null;
  }
}

/** Compares digests, so that neither content nor length of the token shows in the time. */
function sameToken(given: string, token: string): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(token));
}

function cookie(request: IncomingMessage, name: string): string | undefined {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
}

/**
 * Decides who may talk to this server.
 *
 * - `Host` must name this machine (or an allowed host) as long as there is no token: a page elsewhere whose name was
 *   rebound to 127.0.0.1 sends its own name.
 * - `Origin`, which browsers send with WebSockets and with requests that change something, must be the page we served.
 * - With a token, it must come with every request: `Authorization: Bearer`, `?token=`, or the cookie that the page sets.
 */
export class Access {
  readonly #token: string | undefined;
  readonly #allowedHosts: ReadonlySet<string>;

  constructor(options: AccessOptions) {
    this.#token = options.token;
    this.#allowedHosts = new Set((options.allowedHosts ?? []).map((host) => host.toLowerCase()));
  }

  /** Name of the cookie; cookies are shared between the ports of a host, servers are not. */
  static cookieName(request: IncomingMessage): string {
    return `lumenmark-${request.socket.localPort ?? 0}`;
  }

  /** Value for `Set-Cookie` when the address carried the right token, so that pictures and reloads need it no more. */
  cookieFor(request: IncomingMessage, url: URL): string | null {
    if (this.#token === undefined || url.searchParams.get('token') === null) return null;
    return `${Access.cookieName(request)}=${this.#token}; Path=/; HttpOnly; SameSite=Strict`;
  }

  /** @throws HttpError with 401 or 403 */
  check(request: IncomingMessage, url: URL): void {
    const host = hostName(request.headers.host);
    const known = host !== null && (isLoopback(host) || this.#allowedHosts.has(host));
    if (!known && (this.#token === undefined || host === null)) {
      const message = `This server does not answer to the host name "${request.headers.host ?? ''}".`;
      throw new HttpError(403, 'host-refused', message, { remedy: 'Use the address it printed, or allow the name with --allow-host.' });
    }
    this.#checkOrigin(request.headers.origin, request.headers.host);
    if (request.headers['sec-fetch-site'] === 'cross-site' && request.headers['sec-fetch-mode'] !== 'navigate') {
      throw new HttpError(403, 'origin-refused', 'Pages of other sites may not use this server.', { remedy: 'Open its own page.' });
    }
    if (this.#token !== undefined && !this.#hasToken(request, url, this.#token)) {
      const remedy = 'Open the address that the server printed when it started; it ends with the token.';
      throw new HttpError(401, 'token-required', 'This server is open to the network and asks for its token.', { remedy });
    }
  }

  #checkOrigin(origin: string | undefined, host: string | undefined): void {
    if (origin === undefined) return;
    const authority = URL.canParse(origin) ? new URL(origin).host : null;
    const name = authority === null ? null : hostName(authority);
    if (authority !== null && authority === host?.toLowerCase()) return;
    if (name !== null && this.#allowedHosts.has(name)) return;
    throw new HttpError(403, 'origin-refused', `Pages of ${origin} may not use this server.`, { remedy: 'Open its own page.' });
  }

  #hasToken(request: IncomingMessage, url: URL, token: string): boolean {
    const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    const given = bearer ?? url.searchParams.get('token') ?? cookie(request, Access.cookieName(request));
    return given !== undefined && sameToken(given, token);
  }
}

/** A host as it stands in an address. */
export function authority(host: string, port: number): string {
  return isIP(host) === 6 ? `[${host}]:${port}` : `${host}:${port}`;
}
