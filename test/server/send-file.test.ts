import { statSync, writeFileSync } from 'node:fs';
import { request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { byteRange } from '../../src/server/byte-range.js';
import { sendFile } from '../../src/server/send-file.js';
import { startServer, type LumenmarkServer } from '../../src/server/server.js';
import { temporaryFolder } from '../support/temporary.js';
import { FakeSession } from './fake-session.js';

const folder = temporaryFolder();
const file = join(folder, 'recording.mp4');
const CONTENT = Buffer.from(Array.from({ length: 1000 }, (_, position) => position % 251));

describe('byteRange', () => {
  it.each([
    ['bytes=0-0', { first: 0, last: 0 }],
    ['bytes=10-', { first: 10, last: 99 }],
    ['bytes=10-5000', { first: 10, last: 99 }],
    ['bytes=-7', { first: 93, last: 99 }],
    ['bytes=-5000', { first: 0, last: 99 }],
    ['Bytes = 3 - 4', { first: 3, last: 4 }],
    ['bytes=100-', 'unsatisfiable'],
    ['bytes=-0', 'unsatisfiable'],
    ['bytes=9-3', 'whole'],
    ['bytes=-', 'whole'],
    ['bytes=0-1,5-6', 'whole'],
    ['lines=0-1', 'whole'],
    ['bytes=0x1-2', 'whole'],
    [undefined, 'whole'],
  ])('%s of 100 bytes', (header, range) => {
    expect(byteRange(header, 100)).toEqual(range);
  });

  it('finds nothing in an empty file', () => {
    expect(byteRange('bytes=0-', 0)).toBe('unsatisfiable');
  });
});

describe('sendFile', () => {
  let server: LumenmarkServer;

  beforeAll(async () => {
    writeFileSync(file, CONTENT);
    const send = { contentType: 'video/mp4', cacheControl: 'no-cache' };
    server = await startServer({
      controller: new FakeSession(),
      port: 0,
      clientDir: folder,
      routes: [
        { method: 'GET', pattern: '/recording', handler: (context) => sendFile(context, file, send) },
        { method: 'GET', pattern: '/folder', handler: (context) => sendFile(context, folder, send) },
      ],
    });
  });

  afterAll(() => server.dispose());

  function get(
    path: string,
    headers: Record<string, string> = {},
    method = 'GET',
  ): Promise<{ status: number; headers: IncomingHttpHeaders; body: Buffer }> {
    return new Promise((resolve, reject) => {
      const outgoing = httpRequest({ host: '127.0.0.1', port: server.port, path, method, headers }, (response) => {
        const chunks: Buffer[] = [];
        response.on('data', (chunk: Buffer) => chunks.push(chunk));
        response.on('end', () => {
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
        });
      });
      outgoing.on('error', reject).end();
    });
  }

  it('sends all of it, or the part that is asked for', async () => {
    const whole = await get('/recording');
    expect(whole).toMatchObject({ status: 200, body: CONTENT });
    expect(whole.headers).toMatchObject({ 'accept-ranges': 'bytes', 'content-length': '1000', 'content-type': 'video/mp4' });
    const part = await get('/recording', { Range: 'bytes=100-199' });
    expect(part).toMatchObject({ status: 206, body: CONTENT.subarray(100, 200) });
    expect(part.headers).toMatchObject({ 'content-range': 'bytes 100-199/1000', 'content-length': '100' });
    expect((await get('/recording', { Range: 'bytes=-10' })).body).toEqual(CONTENT.subarray(990));
  });

  it('says how long the file is when nothing of the range exists', async () => {
    const refused = await get('/recording', { Range: 'bytes=1000-' });
    expect(refused.status).toBe(416);
    expect(refused.headers['content-range']).toBe('bytes */1000');
  });

  it('answers HEAD with the same headers and no body, and takes no range there', async () => {
    const head = await get('/recording', { Range: 'bytes=0-9' }, 'HEAD');
    expect(head).toMatchObject({ status: 200, headers: { 'content-length': '1000' } });
    expect(head.body).toHaveLength(0);
  });

  it('lets a client use what it has', async () => {
    const { etag = '', 'last-modified': modified = '' } = (await get('/recording')).headers;
    expect((await get('/recording', { 'If-None-Match': `"other", W/${etag}` })).status).toBe(304);
    expect((await get('/recording', { 'If-None-Match': '"other"' })).status).toBe(200);
    expect((await get('/recording', { 'If-Modified-Since': modified })).status).toBe(304);
    expect((await get('/recording', { 'If-Modified-Since': 'Mon, 01 Jan 2001 00:00:00 GMT' })).status).toBe(200);
    expect((await get('/recording', { 'If-Match': '"other"' })).status).toBe(412);
    expect((await get('/recording', { 'If-Match': etag, Range: 'bytes=0-0' })).status).toBe(206);
  });

  it('sends the whole when the part would be of another file', async () => {
    const { etag = '' } = (await get('/recording')).headers;
    expect((await get('/recording', { Range: 'bytes=0-9', 'If-Range': etag })).status).toBe(206);
    expect((await get('/recording', { Range: 'bytes=0-9', 'If-Range': '"before"' })).status).toBe(200);
    writeFileSync(file, Buffer.concat([CONTENT, CONTENT]));
    expect((await get('/recording', { Range: 'bytes=0-9', 'If-Range': etag })).status).toBe(200);
    expect((await get('/recording')).body).toHaveLength(statSync(file).size);
  });

  it('serves no folders', async () => {
    expect((await get('/folder')).status).toBe(404);
  });
});
