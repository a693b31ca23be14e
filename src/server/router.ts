import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { HttpError } from './problem.js';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

export interface RouteContext {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Parts of the path that stand for `:name` (one segment, decoded) and `*` (the rest, as it was sent) in the pattern. */
  readonly params: Readonly<Record<string, string>>;
}

/** Answers the request itself, or returns what is sent as JSON; undefined then means 204. */
export type Handler = (context: RouteContext) => unknown;

export interface Route {
  readonly method: Method;
  /** E.g. `/api/uploads/:name` or `/stills/*`. */
  readonly pattern: string;
  readonly handler: Handler;
}

/** Bodies are short commands; files go through uploads. */
const BODY_LIMIT_BYTES = 64 * 1024;

function matchPath(pattern: string, path: string): Record<string, string> | null {
  const wanted = pattern.split('/');
  const given = path.split('/');
  const params: Record<string, string> = {};
  for (const [position, part] of wanted.entries()) {
    if (part === '*') {
      params['*'] = given.slice(position).join('/');
      return params;
    }
    const segment = given[position];
    if (segment === undefined) return null;
    if (part.startsWith(':')) params[part.slice(1)] = decode(segment);
    else if (part !== segment) return null;
  }
  return wanted.length === given.length ? params : null;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new HttpError(400, 'bad-path', 'The path of this request is not valid percent-encoding.');
  }
}

/** The first route that fits; null when none does. @throws HttpError 405 when only the method is wrong. */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { route: Route; params: Readonly<Record<string, string>> } | null {
  const allowed: string[] = [];
  for (const route of routes) {
    const params = matchPath(route.pattern, path);
    if (params === null) continue;
    if (route.method === method || (route.method === 'GET' && method === 'HEAD')) return { route, params };
    allowed.push(route.method);
  }
  if (allowed.length === 0) return null;
  throw new HttpError(405, 'method-not-allowed', `${path} does not take ${method}.`, { remedy: `It takes ${allowed.join(', ')}.` });
}

/** The body of a request, read as JSON and checked. @throws HttpError 400, 413 or 415, naming the field. */
export async function readJson<T>(request: IncomingMessage, schema: z.ZodType<T>): Promise<T> {
  const type = request.headers['content-type'] ?? '';
  if (!/^application\/json\b/i.test(type)) {
    throw new HttpError(415, 'not-json', 'The body must be JSON.', { remedy: 'Send it with Content-Type: application/json.' });
  }
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > BODY_LIMIT_BYTES) throw new HttpError(413, 'too-large', `The body is larger than ${BODY_LIMIT_BYTES} bytes.`);
    chunks.push(chunk);
  }
  let value: unknown;
  try {
    value = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (error) {
    throw new HttpError(400, 'bad-json', 'The body is not valid JSON.', { cause: error });
  }
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  const field = issue === undefined || issue.path.length === 0 ? 'the body' : issue.path.join('.');
  throw new HttpError(400, 'bad-request', `${field}: ${issue?.message ?? 'not valid'}`);
}
