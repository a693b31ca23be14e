import { open, type FileHandle } from 'node:fs/promises';
import type { Stats } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { byteRange } from './byte-range.js';
import { HttpError } from './problem.js';
import type { RouteContext } from './router.js';

export interface SendFileOptions {
  readonly contentType: string;
  readonly cacheControl: string;
  /** Name under which a browser saves it; shown in the page when absent. */
  readonly downloadAs?: string;
}

/**
 * Answers with a file from the disk: whole or one range of it, or that the client has it already. The path must be known to be one that
 * may be read.
 *
 * @throws HttpError 404 when there is no such file, 412 and 416 when its state is not what the request demands.
 */
export async function sendFile({ request, response }: RouteContext, path: string, options: SendFileOptions): Promise<void> {
  const file = await open(path, 'r').catch(() => null);
  if (file === null) throw notFound();
  try {
    const stats = await file.stat();
    if (!stats.isFile()) throw notFound();
    // A file that is still being written is another one at every request.
    const etag = `"${stats.size.toString(36)}-${Math.round(stats.mtimeMs * 1000).toString(36)}"`;
    response.setHeader('ETag', etag);
    response.setHeader('Last-Modified', stats.mtime.toUTCString());
    response.setHeader('Accept-Ranges', 'bytes');
    response.setHeader('Cache-Control', options.cacheControl);
    if (isPreconditionBroken(request, etag, stats)) throw new HttpError(412, 'changed', 'The file is not what it was.');
    if (isUnchanged(request, etag, stats)) {
      response.writeHead(304).end();
      return;
    }
    const range = wantsRange(request, etag, stats) ? byteRange(request.headers.range, stats.size) : 'whole';
    if (range === 'unsatisfiable') {
      response.setHeader('Content-Range', `bytes */${stats.size}`);
      throw new HttpError(416, 'range', `The file has ${stats.size} bytes; none of those asked for is among them.`);
    }
    const { first, last } = range === 'whole' ? { first: 0, last: stats.size - 1 } : range;
    response.writeHead(range === 'whole' ? 200 : 206, {
      'Content-Type': options.contentType,
      'Content-Length': last - first + 1,
      ...(range === 'whole' ? {} : { 'Content-Range': `bytes ${first}-${last}/${stats.size}` }),
      ...(options.downloadAs === undefined
        ? {}
        : { 'Content-Disposition': `attachment; filename*=UTF-8''${encodeURIComponent(options.downloadAs)}` }),
    });
    if (request.method === 'HEAD' || stats.size === 0) response.end();
    else await stream(file, first, last, response);
  } finally {
    await file.close().catch(() => undefined);
  }
}

async function stream(file: FileHandle, start: number, end: number, response: RouteContext['response']): Promise<void> {
  try {
    await pipeline(file.createReadStream({ start, end, autoClose: false }), response);
  } catch (error) {
    // A player that has seen enough closes the connection in the middle; that is how it seeks.
    if ((error as NodeJS.ErrnoException).code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
  }
}

/** Tags of a list such as `"a", W/"b"`, compared weakly where that is allowed. */
function names(list: string, etag: string, weak: boolean): boolean {
  return list
    .split(',')
    .map((tag) => tag.trim())
    .some((tag) => tag === '*' || tag === etag || (weak && tag === `W/${etag}`));
}

function isPreconditionBroken({ headers }: IncomingMessage, etag: string, stats: Stats): boolean {
  if (headers['if-match'] !== undefined) return !names(headers['if-match'], etag, false);
  return isAfter(stats, headers['if-unmodified-since']) === true;
}

function isUnchanged({ headers }: IncomingMessage, etag: string, stats: Stats): boolean {
  if (headers['if-none-match'] !== undefined) return names(headers['if-none-match'], etag, true);
  return isAfter(stats, headers['if-modified-since']) === false;
}

/** `If-Range`: a part is only of use to who has the rest of the same file. */
function wantsRange({ method, headers }: IncomingMessage, etag: string, stats: Stats): boolean {
  if (method !== 'GET' || headers.range === undefined) return false;
  const condition = headers['if-range'];
  if (typeof condition !== 'string') return true;
  return condition.startsWith('"') || condition.startsWith('W/') ? condition === etag : isAfter(stats, condition) === false;
}

/** Whether the file was changed after a date of a header; null when that is no date. */
function isAfter({ mtimeMs }: Stats, date: string | undefined): boolean | null {
  const limitMs = date === undefined ? NaN : Date.parse(date);
  // Dates of HTTP have no fractions of a second.
  return Number.isNaN(limitMs) ? null : Math.floor(mtimeMs / 1000) * 1000 > limitMs;
}

function notFound(): HttpError {
  return new HttpError(404, 'not-found', 'There is no such file.');
}
