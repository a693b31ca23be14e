import type { IncomingMessage, ServerResponse } from 'node:http';
import { messageOf } from '../common/errors.js';
import type { Access } from './access.js';
import { HttpError, problemOf } from './problem.js';
import { findRoute, type Route } from './router.js';
import type { StaticFiles } from './static-files.js';

const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' blob: data:",
    "media-src 'self'",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'self'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cross-Origin-Opener-Policy': 'same-origin',
};

export interface HttpOptions {
  readonly routes: readonly Route[];
  readonly files: StaticFiles;
  readonly access: Access;
  readonly log: (line: string) => void;
}

function sendJson(request: IncomingMessage, response: ServerResponse, status: number, type: string, value: unknown): void {
  const body = Buffer.from(JSON.stringify(value));
  response.writeHead(status, { 'Content-Type': type, 'Content-Length': body.length, 'Cache-Control': 'no-store' });
  response.end(request.method === 'HEAD' ? undefined : body);
}

async function sendFile(files: StaticFiles, request: IncomingMessage, response: ServerResponse, path: string): Promise<void> {
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    throw new HttpError(405, 'method-not-allowed', `${path} does not take ${request.method ?? ''}.`);
  }
  const file = files.find(path);
  if (file === null) {
    if (path === '/') {
      const remedy = 'Build it with "npm run build", then load the page again.';
      throw new HttpError(404, 'no-page', 'The overlay page has not been built.', { remedy });
    }
    throw new HttpError(404, 'not-found', `There is nothing at ${path}.`);
  }
  const cacheControl = file.immutable ? 'public, max-age=31536000, immutable' : 'no-cache';
  const headers = { 'Content-Type': file.contentType, 'Cache-Control': cacheControl, ETag: file.etag };
  if (request.headers['if-none-match'] === file.etag) {
    response.writeHead(304, headers).end();
    return;
  }
  const bytes = await file.read();
  response.writeHead(200, { ...headers, 'Content-Length': bytes.length });
  response.end(request.method === 'HEAD' ? undefined : bytes);
}

/** Answers one request: access, routes, then the files of the page; every failure becomes a problem document. */
export function createRequestHandler(options: HttpOptions): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const { routes, files, access, log } = options;
  return async (request, response) => {
    const method = request.method ?? 'GET';
    let path = '/';
    try {
      const target = request.url ?? '/';
      if (!target.startsWith('/') || !URL.canParse(target, 'http://server')) {
        throw new HttpError(400, 'bad-path', 'The address of this request is not valid.');
      }
      // What the client wrote, not what URL makes of it: no dot segment is ever resolved.
      path = target.split(/[?#]/, 1)[0] ?? '/';
      const url = new URL(target, 'http://server');
      for (const [name, value] of Object.entries(SECURITY_HEADERS)) response.setHeader(name, value);
      access.check(request, url);
      const cookie = access.cookieFor(request, url);
      if (cookie !== null) response.setHeader('Set-Cookie', cookie);
      const found = findRoute(routes, method, path);
      if (found === null) {
        await sendFile(files, request, response, path);
        return;
      }
      const answer: unknown = await found.route.handler({ request, response, url, params: found.params });
      if (response.writableEnded || response.headersSent) return;
      if (answer === undefined) response.writeHead(204, { 'Cache-Control': 'no-store' }).end();
      else sendJson(request, response, 200, 'application/json', answer);
    } catch (error) {
      const problem = problemOf(error);
      if (problem.status === 500) log(`${method} ${path} failed: ${messageOf(error)}`);
      if (response.headersSent) {
        response.destroy();
        return;
      }
      // What is left of a refused body is not read; the connection ends with the answer.
      if (!request.complete) response.setHeader('Connection', 'close');
      sendJson(request, response, problem.status, 'application/problem+json', problem);
    }
  };
}
