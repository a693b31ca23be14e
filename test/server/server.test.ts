import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { existsSync } from 'node:fs';
import { createServer, request as httpRequest, type IncomingHttpHeaders } from 'node:http';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { GalleryError, MediaError, UsageError } from '../../src/common/errors.js';
import { startServer, type LumenmarkServer, type ServerOptions } from '../../src/server/server.js';
import { coverage, FakeSession, NO_JPEG, stats, tracking } from './fake-session.js';
import { eventually } from '../support/eventually.js';

interface Answer {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
  json: () => Record<string, unknown>;
}

interface Call {
  method?: string;
  headers?: Record<string, string>;
  body?: string | Uint8Array;
}

let clientDir: string;
let secretDir: string;
const running: LumenmarkServer[] = [];

beforeAll(async () => {
  const folder = await mkdtemp(join(tmpdir(), 'lumenmark-test-'));
  secretDir = folder;
  clientDir = join(folder, 'client');
  await mkdir(join(clientDir, 'assets'), { recursive: true });
  await writeFile(join(folder, 'secret.txt'), 'for nobody');
  await writeFile(join(clientDir, 'index.html'), '<!doctype html><title>Lumenmark</title>');
  await writeFile(join(clientDir, 'assets', 'index-1a2b.js'), 'export {};');
});

afterAll(async () => {
  await rm(secretDir, { recursive: true, force: true });
});

afterEach(async () => {
  await Promise.all(running.splice(0).map((server) => server.dispose()));
});

async function start(options: Partial<ServerOptions> = {}): Promise<{ session: FakeSession; server: LumenmarkServer; log: string[] }> {
  const session = new FakeSession();
  const log: string[] = [];
  const server = await startServer({ controller: session, port: 0, clientDir, log: (line) => log.push(line), ...options });
  running.push(server);
  return { session, server, log };
}

/** A request exactly as written: fetch would tidy the path and set the host itself. */
function call(server: LumenmarkServer, path: string, options: Call = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { method = 'GET', headers = {}, body } = options;
    const outgoing = httpRequest({ host: '127.0.0.1', port: server.port, method, path, headers }, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', reject);
      response.on('end', () => {
        const text = Buffer.concat(chunks).toString('utf8');
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text,
          json: () => JSON.parse(text) as Record<string, unknown>,
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function json(body: unknown): Call {
  return { headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(body) };
}

describe('startServer: the page', () => {
  it('serves it with a policy and asks browsers to check for a newer one', async () => {
    const { server } = await start();
    const answer = await call(server, '/');
    expect(answer.status).toBe(200);
    expect(answer.text).toContain('<title>Lumenmark</title>');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/html; charset=utf-8',
      'cache-control': 'no-cache',
      'x-content-type-options': 'nosniff',
      'referrer-policy': 'no-referrer',
    });
    expect(answer.headers['content-security-policy']).toContain("default-src 'none'");
    const again = await call(server, '/', { headers: { 'If-None-Match': answer.headers.etag ?? '' } });
    expect([again.status, again.text]).toEqual([304, '']);
  });

  it('lets hashed assets be kept for ever, and answers HEAD without a body', async () => {
    const { server } = await start();
    const answer = await call(server, '/assets/index-1a2b.js');
    expect(answer.headers).toMatchObject({
      'content-type': 'text/javascript; charset=utf-8',
      'cache-control': 'public, max-age=31536000, immutable',
    });
    const head = await call(server, '/assets/index-1a2b.js', { method: 'HEAD' });
    expect([head.status, head.text, head.headers['content-length']]).toEqual([200, '', '10']);
  });

  it.each([
    '/../secret.txt',
    '/%2e%2e/secret.txt',
    '/..%2fsecret.txt',
    '/assets/../../secret.txt',
    '/assets/%2e%2e/%2e%2e/secret.txt',
    '/..\\secret.txt',
    '/assets/..%5c..%5csecret.txt',
    '//etc/passwd',
    '/index.html/../../secret.txt',
    '/index.html%00.txt',
    '/%c0%ae%c0%ae/secret.txt',
    '/stills/../secret.txt',
    '/stills/%2e%2e%2fsecret.txt',
    '/thumbnails/..%2fsecret.txt',
  ])('never leaves its folder: %s', async (path) => {
    const { server } = await start();
    const answer = await call(server, path);
    expect([400, 404]).toContain(answer.status);
    expect(answer.text).not.toContain('for nobody');
    expect(answer.headers['content-type']).toBe('application/problem+json');
  });

  it('says how to build the page where it is missing', async () => {
    const { server } = await start({ clientDir: join(secretDir, 'nothing') });
    const answer = await call(server, '/');
    expect(answer.status).toBe(404);
    expect(answer.json()).toMatchObject({ code: 'no-page', remedy: 'Build it with "npm run build", then load the page again.' });
  });

  it('survives lines that are no HTTP', async () => {
    const { server } = await start();
    await new Promise<void>((resolve) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write('nonsense\r\n\r\n'));
      socket.on('close', () => {
        resolve();
      });
      socket.resume();
    });
    expect((await call(server, '/healthz')).status).toBe(200);
  });
});

describe('startServer: the interface', () => {
  it('reports health and state', async () => {
    const { server, session } = await start();
    session.emit({ type: 'event', event: 'source', sourceId: 's1', state: 'running', reconnects: 0 });
    session.emit(coverage());
    session.emit(tracking(4));
    session.emit(stats());
    expect((await call(server, '/healthz')).json()).toMatchObject({ status: 'ok', software: 'lumenmark 0.0.0-test', clients: 0 });
    expect((await call(server, '/api/state')).json()).toMatchObject({
      hello: { type: 'hello', source: { id: 's1' } },
      state: { state: 'running' },
      coverage: { checklistId: 'test-4' },
      tracking: { frameId: 4 },
      stats: { analysedFps: 12.5 },
    });
    const metrics = await call(server, '/metrics');
    expect(metrics.headers['content-type']).toContain('text/plain');
    expect(metrics.text).toContain('lumenmark_source_running{source="s1"} 1');
    expect(metrics.text).toContain('# TYPE lumenmark_clients gauge\nlumenmark_clients 0\n');
  });

  it('opens and closes sources', async () => {
    const { server, session } = await start();
    const opened = await call(server, '/api/source', {
      method: 'POST',
      ...json({ source: ' /data/a.mp4 ', checklistId: 'test-4', loop: true }),
    });
    expect([opened.status, opened.json()]).toEqual([200, { sourceId: 's1' }]);
    expect(session.opened).toEqual([{ source: '/data/a.mp4', checklistId: 'test-4', loop: true }]);
    const closed = await call(server, '/api/source', { method: 'DELETE' });
    expect([closed.status, closed.text, session.closed]).toEqual([204, '', 1]);
  });

  it.each([
    [{}, 'bad-request', 'source'],
    [{ source: '' }, 'bad-request', 'source: must name a file, a device or an address'],
    [{ source: 7 }, 'bad-request', 'source'],
    [{ source: 'a', loop: 'yes' }, 'bad-request', 'loop'],
    [{ source: 'a', extra: 1 }, 'bad-request', 'extra'],
    [[], 'bad-request', 'the body'],
  ])('names the field that is wrong in %j', async (body, code, named) => {
    const { server, session } = await start();
    const answer = await call(server, '/api/source', { method: 'POST', ...json(body) });
    expect(answer.status).toBe(400);
    expect(answer.json()['code']).toBe(code);
    expect(answer.json()['message']).toContain(named);
    expect(session.opened).toEqual([]);
  });

  it('refuses bodies that are no JSON, not said to be JSON, or far too long', async () => {
    const { server } = await start();
    const headers = { 'Content-Type': 'application/json' };
    const broken = await call(server, '/api/source', { method: 'POST', headers, body: '{"source":' });
    expect([broken.status, broken.json()['code']]).toEqual([400, 'bad-json']);
    const form = await call(server, '/api/source', { method: 'POST', headers: { 'Content-Type': 'text/plain' }, body: '{}' });
    expect([form.status, form.json()['code']]).toEqual([415, 'not-json']);
    const long = await call(server, '/api/source', { method: 'POST', headers, body: JSON.stringify({ source: 'x'.repeat(100_000) }) });
    expect([long.status, long.json()['code']]).toEqual([413, 'too-large']);
  });

  it.each([
    [new MediaError('codec-unknown', 'a.mkv: no decoder for "xyz".', { remedy: 'Use another ffmpeg.' }), 422],
    [new UsageError('bad-source', 'Not a source.'), 400],
    [new GalleryError('other-model', 'Made with another model.'), 409],
  ])('passes on what failed and what to do: %s', async (fault, status) => {
    const { server, session } = await start();
    session.openFault = fault;
    const answer = await call(server, '/api/source', { method: 'POST', ...json({ source: 'a.mkv' }) });
    expect(answer.status).toBe(status);
    expect(answer.json()).toMatchObject({ code: fault.code, message: fault.message });
    expect(answer.json()['remedy']).toBe(fault.remedy);
  });

  it('keeps the inside of an unexpected fault to its log', async () => {
    const { server, session, log } = await start();
    session.openFault = new TypeError('cannot read properties of /home/someone');
    const answer = await call(server, '/api/source', { method: 'POST', ...json({ source: 'a' }) });
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain('someone');
    expect(log.join('\n')).toContain('POST /api/source failed: cannot read properties');
  });

  it('lists devices and checklists, and changes the checklist', async () => {
    const { server, session } = await start();
    expect((await call(server, '/api/devices')).json()).toMatchObject({ devices: [{ source: 'v4l2:/dev/video0' }] });
    expect((await call(server, '/api/checklists')).json()).toMatchObject({ checklists: [{ id: 'test-4' }, { id: 'other-1' }] });
    expect((await call(server, '/api/checklist', { method: 'PUT', ...json({ id: 'other-1' }) })).status).toBe(204);
    expect(session.checklist.id).toBe('other-1');
    const unknown = await call(server, '/api/checklist', { method: 'PUT', ...json({ id: 'nope' }) });
    expect(unknown.json()).toMatchObject({ status: 400, code: 'unknown-checklist', remedy: 'Choose one of the list.' });
  });

  it('serves stills and thumbnails', async () => {
    const { server, session } = await start();
    session.pictures.set('s1/antrum-7.jpg', { contentType: 'image/jpeg', bytes: NO_JPEG });
    session.pictures.set('s1/my%20own%20place/3.jpg', { contentType: 'image/jpeg', bytes: NO_JPEG });
    expect((await call(server, '/stills/s1/my%20own%20place/3.jpg')).status).toBe(200);
    session.pictures.set('12', { contentType: 'image/webp', bytes: NO_JPEG });
    expect((await call(server, '/stills/s1/antrum-7.jpg')).headers).toMatchObject({ 'content-type': 'image/jpeg', 'content-length': '4' });
    expect((await call(server, '/thumbnails/12.jpg')).headers).toMatchObject({ 'content-type': 'image/webp', 'cache-control': 'no-cache' });
    for (const path of [
      '/stills/none.jpg',
      '/stills/',
      '/stills/%zz',
      '/stills/s1/../s1/antrum-7.jpg',
      '/thumbnails/13.jpg',
      '/thumbnails/x.jpg',
      '/thumbnails/-1.jpg',
    ]) {
      expect([path, (await call(server, path)).status]).toEqual([path, 404]);
    }
  });

  it('says which methods an address takes', async () => {
    const { server } = await start();
    const answer = await call(server, '/api/source', { method: 'GET' });
    expect(answer.json()).toMatchObject({ status: 405, remedy: 'It takes POST, DELETE.' });
    expect((await call(server, '/', { method: 'POST' })).status).toBe(405);
    expect((await call(server, '/api/nothing')).status).toBe(404);
  });

  it('tries further routes first', async () => {
    const { server } = await start({ routes: [{ method: 'GET', pattern: '/api/procedures/:id', handler: ({ params }) => params }] });
    expect((await call(server, '/api/procedures/a%20b')).json()).toEqual({ id: 'a b' });
    expect((await call(server, '/api/procedures/%')).json()).toMatchObject({ code: 'bad-path' });
  });
});

describe('startServer: uploads', () => {
  it('keeps a video until the server goes, under a name of its own', async () => {
    const { server } = await start();
    const answer = await call(server, `/api/uploads/${encodeURIComponent('../../röntgen video.MP4')}`, { method: 'PUT', body: 'video' });
    expect(answer.status).toBe(200);
    const { source, bytes, name } = answer.json() as { source: string; bytes: number; name: string };
    expect([bytes, name]).toEqual([5, '../../röntgen video.MP4']);
    expect(source).toMatch(/[/\\]1[/\\]_\.\._röntgen video\.MP4$/);
    expect(source.startsWith(tmpdir())).toBe(true);
    expect(await readFile(source, 'utf8')).toBe('video');
    await server.dispose();
    expect(existsSync(source)).toBe(false);
  });

  it('refuses what is too large, announced or not, and what is empty', async () => {
    const { server } = await start({ maxUploadBytes: 1000 });
    const body = new Uint8Array(2000);
    const announced = await call(server, '/api/uploads/a.mp4', { method: 'PUT', headers: { 'Content-Length': '2000' }, body });
    expect(announced.json()).toMatchObject({ status: 413, code: 'upload-too-large' });
    const chunked = await call(server, '/api/uploads/a.mp4', { method: 'PUT', headers: { 'Transfer-Encoding': 'chunked' }, body });
    expect(chunked.json()).toMatchObject({ status: 413, code: 'upload-too-large' });
    const empty = await call(server, '/api/uploads/a.mp4', { method: 'PUT', body: '' });
    expect(empty.json()).toMatchObject({ status: 400, code: 'upload-empty' });
    const fits = await call(server, '/api/uploads/a.mp4', { method: 'PUT', body: new Uint8Array(1000) });
    expect(fits.status).toBe(200);
  });

  it('lets an older upload make room for a newer', async () => {
    const { server } = await start({ maxUploadBytes: 1000 });
    const first = (await call(server, '/api/uploads/a.mp4', { method: 'PUT', body: new Uint8Array(600) })).json() as { source: string };
    const second = (await call(server, '/api/uploads/b.mp4', { method: 'PUT', body: new Uint8Array(600) })).json() as { source: string };
    expect([existsSync(first.source), existsSync(second.source)]).toEqual([false, true]);
  });

  it('leaves nothing behind of an upload that breaks off', async () => {
    const { server } = await start();
    const whole = (await call(server, '/api/uploads/a.mp4', { method: 'PUT', body: 'video' })).json() as { source: string };
    await new Promise<void>((resolve) => {
      const outgoing = httpRequest({
        host: '127.0.0.1',
        port: server.port,
        method: 'PUT',
        path: '/api/uploads/b.mp4',
        headers: { 'Content-Length': '100' },
      });
      outgoing.on('error', () => {
        resolve();
      });
      outgoing.write('half', () => outgoing.destroy());
      outgoing.on('close', () => {
        resolve();
      });
    });
    const gone = whole.source.replace(/1([/\\])a\.mp4$/, '2$1b.mp4');
    expect(gone).not.toBe(whole.source);
    await eventually(() => existsSync(gone)).toBe(false);
    expect((await call(server, '/healthz')).status).toBe(200);
  });
});

describe('startServer: who may come in', () => {
  it.each(['evil.example', 'evil.example:8787', '127.evil.example', 'localhost.evil.example', 'a@localhost', 'local host'])(
    'refuses the host name "%s", as a rebound name would be',
    async (host) => {
      const { server } = await start();
      const answer = await call(server, '/api/state', { headers: { Host: host } });
      expect([400, 403]).toContain(answer.status);
    },
  );

  it.each(['localhost', 'localhost:9', '127.0.0.1', '[::1]:80', 'LOCALHOST', '127.1.2.3', 'or.hospital.example'])(
    'answers to "%s"',
    async (host) => {
      const { server } = await start({ allowedHosts: ['or.hospital.example'] });
      expect((await call(server, '/api/state', { headers: { Host: host } })).status).toBe(200);
    },
  );

  it('refuses pages of other sites and lets its own and allowed ones in', async () => {
    const { server } = await start({ allowedHosts: ['or.hospital.example'] });
    const own = `http://127.0.0.1:${server.port}`;
    const from = async (origin: string): Promise<number> => (await call(server, '/api/state', { headers: { Origin: origin } })).status;
    expect(await from(own)).toBe(200);
    expect(await from('https://or.hospital.example')).toBe(200);
    for (const origin of [
      'http://evil.example',
      'null',
      `http://127.0.0.1:${server.port + 1}`,
      'http://or.hospital.example.evil.example',
    ]) {
      expect([origin, await from(origin)]).toEqual([origin, 403]);
    }
    const picture = await call(server, '/stills/a.jpg', { headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'no-cors' } });
    expect(picture.status).toBe(403);
    const link = await call(server, '/', { headers: { 'Sec-Fetch-Site': 'cross-site', 'Sec-Fetch-Mode': 'navigate' } });
    expect(link.status).toBe(200);
  });

  it('asks for a token when open to the network, which the address carries and a cookie keeps', async () => {
    const { server, log } = await start({ host: '0.0.0.0' });
    const token = new URL(server.url).searchParams.get('token') ?? '';
    expect(token).toMatch(/^[\w-]{22}$/);
    const refused = await call(server, '/');
    expect(refused.json()).toMatchObject({ status: 401, code: 'token-required' });
    for (const wrong of ['?token=', '?token=x', `?token=${token}x`, `?token=${token.slice(0, -1)}`])
      expect((await call(server, `/${wrong}`)).status).toBe(401);
    expect((await call(server, '/', { headers: { Authorization: `Bearer ${token}` } })).status).toBe(200);
    const page = await call(server, `/?token=${token}`);
    const cookie = page.headers['set-cookie']?.[0] ?? '';
    expect(cookie).toMatch(/HttpOnly; SameSite=Strict$/);
    expect((await call(server, '/api/state', { headers: { Cookie: cookie.split(';', 1)[0] ?? '' } })).status).toBe(200);
    expect(log.join('\n')).not.toContain(token);
  });

  it('gives no cookie for a wrong token and takes a token that was chosen', async () => {
    const { server } = await start({ token: 'chosen' });
    expect(new URL(server.url).searchParams.get('token')).toBe('chosen');
    expect((await call(server, '/?token=wrong')).headers['set-cookie']).toBeUndefined();
    expect((await call(server, '/?token=chosen')).status).toBe(200);
  });
});

describe('startServer: the port', () => {
  it('says which port is in use and what to do', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const { port } = other.address() as { port: number };
    try {
      await expect(startServer({ controller: new FakeSession(), port, clientDir })).rejects.toMatchObject({
        name: 'UsageError',
        code: 'port-in-use',
        message: `Port ${port} on 127.0.0.1 is used by another program.`,
        remedy: `Stop the other program, or choose another port, e.g. --port ${port + 1}.`,
      });
    } finally {
      other.close();
    }
  });

  it('says when the address is not one of this machine', async () => {
    await expect(startServer({ controller: new FakeSession(), port: 0, host: '192.0.2.1', clientDir })).rejects.toMatchObject({
      code: 'host-unknown',
    });
  });

  it('gives the port back', async () => {
    const { server } = await start();
    const { port } = server;
    await Promise.all([server.dispose(), server.dispose()]);
    const second = await startServer({ controller: new FakeSession(), port, clientDir });
    running.push(second);
    expect(second.port).toBe(port);
  });
});
