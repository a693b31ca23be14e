import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { knownFiles } from '../../src/models/known-files.js';
import { explainGastronet, pullCheckpoint, resolveCheckpointPath } from '../../src/models/pull.js';
import { temporaryFolder } from '../support/temporary.js';

const root = temporaryFolder();
const CONTENT = Buffer.from(Array.from({ length: 300_000 }, (_, index) => (index * 7) % 251));
const FILE = 'dinov2_vits14_pretrain.pth';
let homes = 0;
const home = (): string => join(root, String(homes++));

/** A server like those of the official addresses: ranges, ETag. `limit` breaks the connection after so many bytes. */
async function serve(
  options: { content?: Buffer; etag?: string; limit?: number; status?: number } = {},
): Promise<{ url: string; ranges: (string | undefined)[] }> {
  const { content = CONTENT, etag = '"v1"', status } = options;
  const ranges: (string | undefined)[] = [];
  const answer = (request: IncomingMessage, response: ServerResponse): void => {
    const { range } = request.headers;
    ranges.push(range);
    if (status !== undefined) {
      response.writeHead(status).end();
      return;
    }
    const resumes = range !== undefined && request.headers['if-range'] === etag;
    const start = resumes ? Number(/^bytes=(\d+)-$/.exec(range)![1]) : 0;
    if (start >= content.length) {
      response.writeHead(416).end();
      return;
    }
    const body = content.subarray(start);
    response.writeHead(resumes ? 206 : 200, { 'content-length': body.length, etag });
    if (options.limit === undefined) response.end(body);
    else response.write(body.subarray(0, options.limit), () => setTimeout(() => response.destroy(), 50));
  };
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  afterAll(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}/${FILE}`, ranges };
}

/** Gives up as soon as something has come. */
function aborting(): { readonly signal: AbortSignal; readonly onProgress: () => void } {
  const controller = new AbortController();
  return {
    signal: controller.signal,
    onProgress: () => {
      controller.abort();
    },
  };
}

describe('pulling a checkpoint', () => {
  it('fetches it, reports progress and records its hash', async () => {
    const { url } = await serve();
    const at = home();
    const steps: [number, number | null][] = [];
    const pulled = await pullCheckpoint('dinov2-vits14', { home: at, from: url, onProgress: (done, total) => steps.push([done, total]) });
    expect(pulled).toMatchObject({
      fetched: true,
      pinned: 'first time',
      byteLength: CONTENT.length,
      sha256: createHash('sha256').update(CONTENT).digest('hex'),
    });
    expect(readFileSync(pulled.path).equals(CONTENT)).toBe(true);
    expect(steps.at(-1)).toEqual([CONTENT.length, CONTENT.length]);
    expect(await pullCheckpoint('dinov2-vits14', { home: at, from: url })).toMatchObject({ fetched: false, pinned: 'recorded' });
    expect(await resolveCheckpointPath('dinov2-vits14', at)).toBe(pulled.path);
  });

  it('goes on where it stopped', async () => {
    const at = home();
    const { url } = await serve({ limit: 100_000 });
    await expect(pullCheckpoint('dinov2-vits14', { home: at, from: url, ...aborting() })).rejects.toMatchObject({ name: 'AbortError' });
    const have = statSync(join(at, 'downloads', `${FILE}.partial`)).size;
    expect(have).toBeGreaterThan(0);
    expect(existsSync(join(at, 'downloads', FILE))).toBe(false);
    const whole = await serve();
    const pulled = await pullCheckpoint('dinov2-vits14', { home: at, from: whole.url });
    expect(whole.ranges).toEqual([`bytes=${String(have)}-`]);
    expect(readFileSync(pulled.path).equals(CONTENT)).toBe(true);
  });

  it('takes up a connection that breaks on the way, by itself', async () => {
    const at = home();
    const { url, ranges } = await serve({ limit: 120_000 });
    const pulled = await pullCheckpoint('dinov2-vits14', { home: at, from: url });
    expect(readFileSync(pulled.path).equals(CONTENT)).toBe(true);
    expect(ranges.length).toBeGreaterThan(2);
    expect(ranges.slice(1).every((range) => /^bytes=[1-9]\d*-$/.test(range ?? ''))).toBe(true);
  });

  it('starts anew when the file has changed meanwhile', async () => {
    const at = home();
    await expect(
      pullCheckpoint('dinov2-vits14', { home: at, from: (await serve({ limit: 50_000 })).url, ...aborting() }),
    ).rejects.toThrow();
    const changed = Buffer.from(CONTENT).reverse();
    const pulled = await pullCheckpoint('dinov2-vits14', { home: at, from: (await serve({ content: changed, etag: '"v2"' })).url });
    expect(readFileSync(pulled.path).equals(changed)).toBe(true);
  });

  it('starts anew when there is more on the disk than the file has', async () => {
    const at = home();
    const { url } = await serve();
    await pullCheckpoint('dinov2-vits14-reg', { home: at, from: url });
    writeFileSync(join(at, 'downloads', `${FILE}.partial`), Buffer.alloc(400_000));
    writeFileSync(join(at, 'downloads', `${FILE}.partial.etag`), '"v1"');
    expect(readFileSync((await pullCheckpoint('dinov2-vits14', { home: at, from: url })).path).equals(CONTENT)).toBe(true);
  });

  it('refuses a file that differs from the recorded hash', async () => {
    const at = home();
    const { url } = await serve();
    const { path } = await pullCheckpoint('dinov2-vits14', { home: at, from: url });
    writeFileSync(path, 'something else');
    await expect(pullCheckpoint('dinov2-vits14', { home: at, from: url })).rejects.toMatchObject({ code: 'pull-hash' });
  });

  it.each([
    ['offline', 'http://127.0.0.1:9/x.pth'],
    ['an address without the file', null],
  ])('says where to get it and where to put it: %s', async (_, address) => {
    const at = home();
    const url = address ?? (await serve({ status: 404 })).url;
    const failure: unknown = await pullCheckpoint('dinov2-vits14', { home: at, from: url }).catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: 'pull-failed',
      message: expect.stringContaining(url) as string,
      remedy: expect.stringContaining(join(at, 'downloads', FILE)) as string,
    });
  });

  it('never fetches GastroNet, and explains why and how', async () => {
    const { url, ranges } = await serve();
    await expect(pullCheckpoint('gastronet-vits16', { home: home(), from: url })).rejects.toMatchObject({ code: 'pull-not-allowed' });
    expect(ranges).toEqual([]);
    expect(explainGastronet('/home')).toMatch(/CC-BY-NC-ND-4\.0[\s\S]*cortex\.thetavision\.nl[\s\S]*VITS_GastroNet-5M_DINOv1\.pth/);
    expect(knownFiles().filter((file) => /gastronet/i.test(file.id) && file.url !== undefined)).toEqual([]);
  });

  it('names what is known when asked for something else', async () => {
    await expect(pullCheckpoint('resnet', { home: home() })).rejects.toMatchObject({
      code: 'pull-unknown',
      remedy: expect.stringContaining('dinov2-vits14-reg') as string,
    });
  });
});
