import { writeFile, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { MediaError } from '../../src/common/errors.js';
import { startServer, type LumenmarkServer, type ServerOptions } from '../../src/server/server.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import { FakeSession, frame, tracking } from '../server/fake-session.js';
import { describeWithBrowser, launchBrowser } from '../support/browser.js';
import { FakeProcedure, type Scene } from './fake-procedure.js';
import { collectSamples, numberedPictures } from './pictures.js';
import { eventually } from '../support/eventually.js';

const PICTURES = 250;
/** Frames come only when the test says so. */
const BY_HAND = 0.001;
const SCENES: Scene[] = [{ fromFrame: 0, landmark: 'antrum' }];

let browser: Browser;
let pictures: Uint8Array[];
const cleanups: (() => Promise<void> | void)[] = [];

beforeAll(async () => {
  [browser, pictures] = await Promise.all([launchBrowser(), numberedPictures(PICTURES)]);
});

afterAll(async () => {
  await browser.close();
});

afterEach(async () => {
  for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
});

interface Room {
  session: FakeSession;
  server: LumenmarkServer;
  procedure: FakeProcedure;
}

async function room(
  options: { scenes?: Scene[]; analyseEvery?: number; unsupported?: string[]; server?: Partial<ServerOptions>; fps?: number } = {},
): Promise<Room> {
  const session = new FakeSession();
  const server = await startServer({ controller: session, port: 0, ...options.server });
  cleanups.push(() => server.dispose());
  const { analyseEvery = 3, unsupported = ['duodenum'] } = options;
  for (const exemplar of [0, 1, 2, 3]) session.pictures.set(String(exemplar), { contentType: 'image/jpeg', bytes: pictures[exemplar]! });
  const procedure = new FakeProcedure(session, pictures, options.scenes ?? SCENES, { analyseEvery, unsupported });
  procedure.start(options.fps ?? 25);
  cleanups.push(() => {
    procedure.stop();
  });
  return { session, server, procedure };
}

/** Opens the page and fails the test when it complains or asks for anything from elsewhere. */
async function open(
  server: LumenmarkServer,
  query = '',
  options: { width?: number; height?: number; expected?: RegExp } = {},
): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: options.width ?? 1366, height: options.height ?? 768 } });
  const complaints: string[] = [];
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error' && options.expected?.test(message.text()) !== true) complaints.push(message.text());
  });
  page.on('request', (request) => {
    const { hostname, protocol } = new URL(request.url());
    if (protocol !== 'blob:' && hostname !== '127.0.0.1') complaints.push(`asked ${request.url()}`);
  });
  await page.goto(`http://127.0.0.1:${server.port}/${query}`);
  cleanups.push(async () => {
    await page.close();
    expect(complaints).toEqual([]);
  });
  return page;
}

const drawnFrames = async (page: Page): Promise<number> => Number(await page.locator('canvas').getAttribute('data-drawn'));

describeWithBrowser('overlay: the picture', () => {
  it('moves, and each drawn frame has its own detection or one of an explicitly older frame', async () => {
    const { server } = await room();
    const page = await open(server);
    await page.locator('.chip-name').waitFor();
    const samples = await page.evaluate(collectSamples, 40);
    for (const { pictured, frameId, detectionFrameId, carried } of samples) {
      expect(pictured).toBe(frameId % PICTURES);
      expect(detectionFrameId).not.toBeNull();
      expect(detectionFrameId!).toBeLessThanOrEqual(frameId);
      expect(carried).toBe(detectionFrameId !== frameId);
    }
    const ids = samples.map(({ frameId }) => frameId);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => a - b));
    await eventually(() => page.locator('.detection-line').textContent()).toMatch(/^\d+ ms ago: \d+ %$/);
  });

  it('draws a frame with its own detection where there is one', async () => {
    const { session, server } = await room({ fps: BY_HAND });
    const page = await open(server);
    const detection = { frameId: 5, ptsUs: 200_000, carried: false, label: 'z-line', score: 0.81, known: true, quality: 'good' } as const;
    await eventually(() => server.hub.totals.clients).toBe(1);
    session.emit({
      type: 'frame',
      sourceId: 's1',
      frameId: 5,
      ptsUs: 200_000,
      jpeg: pictures[5]!,
      detection,
      capturedAtMs: performance.now(),
    });
    await page.locator('canvas[data-frame-id="5"][data-detection-frame-id="5"][data-carried="false"]').waitFor();
    await eventually(() => page.locator('.detection-line').textContent()).toBe('this frame: Z-line 81 %');
  });

  it('skips a damaged picture and goes on', async () => {
    const { session, server, procedure } = await room();
    const page = await open(server);
    await page.locator('canvas[data-drawn]').waitFor();
    for (let count = 0; count < 20; count += 1) {
      const jpeg = new Uint8Array([0xff, 0xd8, 1, 2, 3]);
      session.emit({
        type: 'frame',
        sourceId: 's1',
        frameId: 1000 + count,
        ptsUs: 0,
        jpeg,
        detection: null,
        capturedAtMs: performance.now(),
      });
    }
    const before = procedure.frameId;
    await eventually(async () => Number(await page.locator('canvas').getAttribute('data-frame-id'))).toBeGreaterThan(before);
  });

  it('takes the picture away when another source takes the place', async () => {
    const { session, server, procedure } = await room();
    const page = await open(server);
    await page.locator('.picture[data-empty="false"]').waitFor();
    procedure.stop();
    session.source = { id: 's2', label: 'another patient', live: true, simulated: false };
    session.emit(session.hello(null));
    await page.locator('.picture[data-empty="true"]').waitFor();
    const brightest = await page.locator('canvas').evaluate((canvas: HTMLCanvasElement) => {
      const pixels = canvas.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data ?? new Uint8ClampedArray([255]);
      return pixels.filter((_, position) => position % 4 !== 3).reduce((most, value) => Math.max(most, value), 0);
    });
    expect(brightest).toBe(0);
    expect(await page.locator('.chip').count()).toBe(0);
  });

  it('shows the landmark, its score and the state of the indicator, and says it aloud', async () => {
    const scenes = [
      { fromFrame: 0, landmark: 'antrum' },
      { fromFrame: 150, landmark: null },
    ];
    const { server } = await room({ scenes });
    const page = await open(server);
    await page.locator('.picture:has(.indicator[data-level="active"]) .chip-name', { hasText: /^Antrum$/ }).waitFor();
    await page.locator('.chip-percent', { hasText: /^\d+ %$/ }).waitFor();
    await eventually(() => page.getByTestId('announcer').textContent()).toMatch(/^Antrum/);
    await page.locator('.picture:has(.indicator[data-level="ready"]) .chip-nothing', { hasText: 'No landmark' }).waitFor();
  });

  it.each([
    ['dark', 'Too dark'],
    ['blurred', 'Blurred'],
    ['red-out', 'Red-out: pull back'],
  ] as const)('says in words that frames are %s', async (quality, words) => {
    const { server } = await room({ scenes: [{ fromFrame: 0, landmark: null, quality }] });
    const page = await open(server);
    await page.locator(`.chip-hint[data-quality="${quality}"]`).waitFor();
    await eventually(() => page.locator('.chip-hint').textContent()).toBe(words);
  });
});

describeWithBrowser('overlay: coverage', () => {
  it('follows sites from unseen over seen to documented, with still, time in view and sightings', async () => {
    const scenes = [
      { fromFrame: 0, landmark: null },
      { fromFrame: 60, landmark: 'antrum' },
    ];
    const { server, procedure } = await room({ scenes, fps: BY_HAND, unsupported: ['angulus', 'duodenum'] });
    const page = await open(server);
    const antrum = page.locator('[data-site="antrum"]');
    await page.locator('[data-site="antrum"][data-state="unseen"]').waitFor();
    await eventually(() => page.locator('[data-site="duodenum"]').getAttribute('data-state')).toBe('unsupported');
    // Of three, one cannot be recognised; the fourth is optional.
    await eventually(() => page.locator('.progress').textContent()).toBe('0 of 2 documented');
    expect(await page.locator('.progress-note').textContent()).toBe('1 site has no exemplar in this gallery');
    procedure.skip(70);
    await page.locator('[data-site="antrum"][data-state="seen"][data-current="true"]').waitFor();
    procedure.skip(30);
    await page.locator('[data-site="antrum"][data-state="documented"]').waitFor();
    await eventually(() => page.locator('.progress').textContent()).toBe('1 of 2 documented');
    await page.locator('.notice[data-kind="documented"]', { hasText: /^Antrumdocumented$/ }).waitFor();
    const width = (): Promise<number> => antrum.locator('img').evaluate((image) => (image as HTMLImageElement).naturalWidth);
    await eventually(width).toBe(320);
    await eventually(() => antrum.locator('.site-dwell').textContent()).toMatch(/s$/);
    await page.locator('.sighting[data-landmark="antrum"][data-open="true"]').waitFor();
    await eventually(() => page.locator('[data-site="duodenum"] .site-facts').textContent()).toBe('not in this gallery');
  });

  it('is the same for who comes later, without telling old news', async () => {
    const { server, procedure } = await room({ fps: 50 });
    await eventually(() => server.hub.memory('s1')?.coverage?.sites.find(({ id }) => id === 'antrum')?.state).toBe('documented');
    procedure.stop();
    const page = await open(server);
    await page.locator('[data-site="antrum"][data-state="documented"]').waitFor();
    await page.locator('.sighting[data-landmark="antrum"]').waitFor();
    expect(await page.locator('.notice').count()).toBe(0);
  });

  it('enlarges a still by keyboard', async () => {
    const { server } = await room({ fps: 50 });
    const page = await open(server);
    const still = page.locator('[data-site="antrum"] button');
    await still.focus();
    await page.keyboard.press('Enter');
    await page.locator('.dialog-still img').waitFor();
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('dialog').count()).toBe(0);
    expect(await still.evaluate((button) => document.activeElement === button)).toBe(true);
  });
});

describeWithBrowser('overlay: trouble', () => {
  it('says that the picture is not live when frames stop, and takes it back when they come', async () => {
    const { server, procedure } = await room();
    const page = await open(server);
    await page.locator('.picture[data-live="true"]').waitFor();
    procedure.stop();
    await page.locator('.picture[data-live="false"][data-level="stale"]').waitFor();
    await eventually(() => page.locator('.trouble').textContent()).toMatch(/^No picture for \d+ s/);
    await eventually(() => page.locator('.chip').count()).toBe(0);
    procedure.start(25);
    await page.locator('.picture[data-live="true"]').waitFor();
  });

  it('shows a solid fault, over a picture that goes on, when the analysis stops', async () => {
    const { session, server, procedure } = await room();
    const page = await open(server);
    await page.locator('.indicator[data-level="active"]').waitFor();
    procedure.stop();
    let id = procedure.frameId;
    const timer = setInterval(() => {
      id += 1;
      session.emit({
        type: 'frame',
        sourceId: 's1',
        frameId: id,
        ptsUs: id * 40_000,
        jpeg: pictures[0]!,
        detection: null,
        capturedAtMs: performance.now(),
      });
    }, 40);
    cleanups.push(() => {
      clearInterval(timer);
    });
    await page.locator('.picture[data-live="true"] .indicator[data-level="fault"]').waitFor();
    await eventually(() => page.locator('.trouble[role="alert"]').textContent()).toContain('Analysis has stopped');
  });

  it.each([
    ['failed', 'fault', 'Source failed'],
    ['reconnecting', 'stale', 'Source lost, reconnecting'],
    ['stalled', 'stale', 'Source has stopped delivering'],
    ['ended', 'ended', 'End of the recording'],
  ] as const)('names the state of the source: %s', async (state, level, words) => {
    const { session, server } = await room();
    const page = await open(server);
    await page.locator('.picture[data-live="true"]').waitFor();
    session.emit({ type: 'event', event: 'source', sourceId: 's1', state, reconnects: 1, detail: 'the reason' });
    await page.locator(`.picture[data-live="false"][data-level="${level}"]`).waitFor();
    await eventually(() => page.locator('.trouble').textContent()).toMatch(new RegExp(`^${words}the reason`));
    if (state === 'failed' || state === 'ended') {
      await page.getByRole('button', { name: 'Choose a source' }).click();
      await page.locator('dialog.dialog-source[open]').waitFor();
    }
  });

  it('comes back by itself after the server was restarted', async () => {
    const first = await room();
    const page = await open(first.server, '', { expected: /WebSocket|ERR_/ });
    await page.locator('.picture[data-live="true"]').waitFor();
    first.procedure.stop();
    await first.server.dispose();
    await page.locator('.picture[data-live="false"][data-level="stale"]').waitFor();
    await eventually(() => page.locator('.trouble').textContent()).toContain('Connection lost');
    await eventually(() => page.locator('.link').getAttribute('data-link')).toBe('lost');
    const second = await room({ server: { port: first.server.port }, scenes: [{ fromFrame: 0, landmark: 'angulus' }] });
    await page.locator('.picture[data-live="true"]').waitFor();
    await eventually(() => page.locator('.chip-name').textContent()).toBe('Angulus');
    // Nothing of the first server's procedure is left.
    await eventually(() => page.locator('.sighting[data-landmark="antrum"]').count()).toBe(0);
    expect(second.server.port).toBe(first.server.port);
  });

  it('shows errors of the server with their remedy', async () => {
    const { session, server } = await room();
    const page = await open(server);
    await page.locator('.chip-name').waitFor();
    session.emit({ type: 'error', code: 'disk-low', message: 'The disk is almost full.', remedy: 'Delete old procedures.' });
    await page.locator('.notice[data-kind="error"][role="alert"]').waitFor();
    await eventually(() => page.locator('.notice[data-kind="error"]').textContent()).toBe('The disk is almost full.Delete old procedures.');
  });
});

describeWithBrowser('overlay: keyboard and senses', () => {
  it('has keys for everything and tells them at "?"', async () => {
    const { server } = await room();
    const page = await open(server);
    await page.locator('.chip-name').waitFor();
    await page.keyboard.press('?');
    await page.locator('dialog.dialog-help[open]').waitFor();
    await page.keyboard.press('o');
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('dialog').count()).toBe(0);
    await eventually(() => page.locator('.chip').count()).toBe(1);
    await page.keyboard.press('o');
    await page.locator('.indicator[data-level="off"]').waitFor();
    await eventually(() => page.locator('.chip').count()).toBe(0);
    await eventually(() => page.locator('.corners').count()).toBe(0);
    await page.keyboard.press('o');
    await page.locator('.chip').waitFor();
    await page.keyboard.press('e');
    await eventually(() => page.locator('.evidence').count()).toBe(0);
    await page.keyboard.press('s');
    await page.locator('dialog.dialog-source[open]').waitFor();
    await page.keyboard.press('Escape');
    await eventually(() => page.locator('dialog').count()).toBe(0);
    await page.keyboard.press('c');
    await page.locator('#room-checklist:focus').waitFor();
  });

  it('shows where the focus is on every control', async () => {
    const { server } = await room();
    const page = await open(server);
    await page.locator('.chip-name').waitFor();
    for (let count = 0; count < 5; count += 1) {
      await page.keyboard.press('Tab');
      const outline = await page.evaluate(() => getComputedStyle(document.activeElement ?? document.body).outlineStyle);
      expect(outline).toBe('solid');
    }
  });

  it('stands still for who prefers it', async () => {
    const { server } = await room({ scenes: [{ fromFrame: 0, landmark: null }] });
    const page = await open(server);
    const breathing = page.locator('.indicator[data-level="ready"]');
    const animation = (): Promise<string> => breathing.evaluate((element) => getComputedStyle(element).animationName);
    await eventually(animation).toBe('breathe');
    await page.emulateMedia({ reducedMotion: 'reduce' });
    await eventually(animation).toBe('none');
  });

  it.each([
    [1920, 1080],
    [1366, 768],
  ])('shows all 22 sites of the longest checklist at once at %d × %d, with their whole names', async (width, height) => {
    const session = new FakeSession();
    const sites = loadChecklist('sss-2013').sites.map((site) => ({ ...site, landmarks: [...site.landmarks] }));
    session.checklist = { ...session.checklist, sites };
    const server = await startServer({ controller: session, port: 0 });
    cleanups.push(() => server.dispose());
    const page = await open(server, '', { width, height });
    await page.locator('.station').first().waitFor();
    await eventually(() => page.locator('.site').count()).toBe(22);
    const [scrolls, cut] = await page.evaluate(() => {
      const list = document.querySelector('.sites');
      const names = [...document.querySelectorAll('.site-name')];
      const isCut = (name: Element): boolean => name.scrollHeight > name.clientHeight + 1 || name.scrollWidth > name.clientWidth + 1;
      return [(list?.scrollHeight ?? Infinity) > (list?.clientHeight ?? 0), names.filter(isCut).map((name) => name.textContent)];
    });
    expect([scrolls, cut]).toEqual([false, []]);
  });

  it.each([
    [1920, 1080],
    [1366, 768],
    [1024, 768],
  ])('fits %d × %d without scrolling', async (width, height) => {
    const { server } = await room();
    const page = await open(server, '', { width, height });
    await page.locator('.chip-name').waitFor();
    const inside = await page.evaluate(() =>
      ['.top', '.picture', '.checklist', '.timeline', '.status-bar', '.chip', '.research'].filter((name) => {
        const box = document.querySelector(name)?.getBoundingClientRect();
        return box === undefined || box.left < 0 || box.top < 0 || box.right > innerWidth + 0.5 || box.bottom > innerHeight + 0.5;
      }),
    );
    expect(inside).toEqual([]);
    expect(
      await page.evaluate(() => document.documentElement.scrollHeight <= innerHeight && document.documentElement.scrollWidth <= innerWidth),
    ).toBe(true);
    // Legible from two metres: the name of the landmark is at least 1/40 of the height of the screen.
    const size = await page.locator('.chip-name').evaluate((element) => parseFloat(getComputedStyle(element).fontSize));
    expect(size).toBeGreaterThanOrEqual(height / 40);
  });
});

describeWithBrowser('overlay: what it runs on', () => {
  it('says what is simulated, which model and gallery answer, and what it is for', async () => {
    const session = new FakeSession();
    session.source = { id: 's1', label: 'phantom', live: true, simulated: true };
    const server = await startServer({ controller: session, port: 0 });
    cleanups.push(() => server.dispose());
    const page = await open(server);
    await page.getByText('Simulated procedure').waitFor();
    const status = await page.locator('.status-bar').textContent();
    expect(status).toContain('test gallery');
    expect(status).toContain('descriptors');
    expect(status).toContain('Research use only');
  });

  it('switches between sources that are open side by side', async () => {
    const { session, server } = await room();
    session.others = [{ id: 's2', label: 'room 2', live: true, simulated: false }];
    const page = await open(server);
    await page.locator('.chip-name').waitFor();
    await page.getByLabel('Source shown').selectOption({ label: 'room 2' });
    await page.waitForURL(/source=s2/);
    await page.locator('.picture[data-empty="true"]').waitFor();
    let id = 0;
    const timer = setInterval(() => {
      id += 1;
      session.emit(frame(id, { jpeg: pictures[id % PICTURES]!, sourceId: 's2' }));
      session.emit(tracking(id, { sourceId: 's2', landmark: 'z-line' }));
    }, 40);
    cleanups.push(() => {
      clearInterval(timer);
    });
    await eventually(() => page.locator('.chip-name').textContent()).toBe('Z-line');
    await eventually(() => page.getByLabel('Source shown').inputValue()).toBe('s2');
  });

  it('shows the exemplars that a landmark is recognised by', async () => {
    const { server } = await room();
    const page = await open(server);
    await eventually(() => page.locator('.exemplar[data-agrees="true"] img').count()).toBe(4);
    const loaded = (): Promise<number> =>
      page
        .locator('.exemplar img')
        .first()
        .evaluate((image) => (image as HTMLImageElement).naturalWidth);
    await eventually(loaded).toBe(320);
  });

  it('is let in by a token, which then leaves the address, and stays in after a reload', async () => {
    const { server } = await room({ server: { token: 'secret' } });
    const page = await open(server, '?token=secret');
    await page.locator('.chip-name').waitFor();
    expect(page.url()).toBe(`http://127.0.0.1:${server.port}/`);
    await page.reload();
    await page.locator('.chip-name').waitFor();
  });

  it('lies over another picture where it is transparent, without asking for frames', async () => {
    const { server } = await room();
    const binary: boolean[] = [];
    const page = await browser.newPage({ viewport: { width: 1280, height: 720 } });
    cleanups.push(() => page.close());
    page.on('websocket', (socket) => {
      socket.on('framereceived', ({ payload }) => binary.push(typeof payload !== 'string'));
    });
    await page.goto(`http://127.0.0.1:${server.port}/?transparent=1`);
    await page.locator('.chip-name').waitFor();
    expect(await page.locator('canvas').count()).toBe(0);
    expect(
      await page.evaluate(() => [document.documentElement, document.body].map((element) => getComputedStyle(element).backgroundColor)),
    ).toEqual(['rgba(0, 0, 0, 0)', 'rgba(0, 0, 0, 0)']);
    expect(binary.length).toBeGreaterThan(0);
    expect(binary).not.toContain(true);
  });

  it('does not let frames pile up while its tab is not drawn', async () => {
    const { server } = await room();
    const page = await open(server);
    await page.locator('.chip-name').waitFor();
    await page.evaluate(() => {
      window.requestAnimationFrame = () => 1;
    });
    await eventually(() => server.hub.totals.framesDropped).toBeGreaterThan(10);
    expect(await drawnFrames(page)).toBeGreaterThan(0);
  });
});

describeWithBrowser('overlay: start page', () => {
  async function start(): Promise<{ session: FakeSession; server: LumenmarkServer }> {
    const session = new FakeSession();
    session.source = null;
    const server = await startServer({ controller: session, port: 0 });
    cleanups.push(() => server.dispose());
    return { session, server };
  }

  it('offers the devices that were found', async () => {
    const { session, server } = await start();
    const page = await open(server);
    await page.getByRole('button', { name: /Capture card/ }).click();
    await page.locator('.room').waitFor();
    expect(session.opened).toEqual([{ source: 'v4l2:/dev/video0' }]);
    await eventually(() => page.locator('.source-label').textContent()).toBe('v4l2:/dev/video0');
  });

  it('says when there are none, and looks again', async () => {
    const { session, server } = await start();
    const found = session.deviceList;
    session.deviceList = [];
    const page = await open(server);
    await page.getByText('None found on this machine').waitFor();
    session.deviceList = found;
    await page.getByRole('button', { name: 'Look again' }).click();
    await page.getByRole('button', { name: /Capture card/ }).waitFor();
  });

  it('opens a path and an address, and shows what failed with the way out', async () => {
    const { session, server } = await start();
    const page = await open(server, '', { expected: /422/ });
    session.openFault = new MediaError('unreachable', 'rtsp://or-3/stream cannot be reached: connection refused.', {
      remedy: 'Check the address.',
    });
    await page.getByLabel('Address of a stream').fill('rtsp://or-3/stream');
    await page.keyboard.press('Enter');
    await page.getByRole('alert').waitFor();
    await eventually(() => page.getByRole('alert').textContent()).toBe(
      'rtsp://or-3/stream cannot be reached: connection refused.Check the address.',
    );
    session.openFault = null;
    await page.getByLabel('Path of a video on the server').fill(' /videos/a.mp4 ');
    await page.keyboard.press('Enter');
    await page.locator('.room').waitFor();
    expect(session.opened.map(({ source }) => source)).toEqual(['rtsp://or-3/stream', '/videos/a.mp4']);
  });

  it('sends a file that was chosen, and one that was dropped', async () => {
    const { session, server } = await start();
    const folder = await mkdtemp(join(tmpdir(), 'lumenmark-test-'));
    cleanups.push(() => rm(folder, { recursive: true, force: true }));
    const file = join(folder, 'procedure one.mp4');
    await writeFile(file, Buffer.alloc(100_000, 7));
    const page = await open(server);
    await page.getByLabel('Video file on this computer').setInputFiles(file);
    await page.locator('.room').waitFor();
    expect(session.opened[0]?.source).toMatch(/procedure one\.mp4$/);
    await page.keyboard.press('s');
    const transfer = await page.evaluateHandle(() => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(1000)], 'dropped.mkv'));
      return data;
    });
    await page.locator('.drop').dispatchEvent('drop', { dataTransfer: transfer });
    await eventually(() => session.opened[1]?.source ?? '').toMatch(/dropped\.mkv$/);
    await eventually(() => page.locator('dialog').count()).toBe(0);
  });

  it('leaves a panel open that was opened before the answer about the source came', async () => {
    const { server } = await start();
    const page = await open(server);
    let letThrough = (): void => undefined;
    const heldBack = new Promise<void>((resolve) => (letThrough = resolve));
    await page.route('**/api/source', async (route) => {
      const response = await route.fetch();
      await heldBack;
      await route.fulfill({ response });
    });
    await page.getByLabel('Path of a video on the server').fill('/videos/a.mp4');
    await page.keyboard.press('Enter');
    await page.locator('.room').waitFor();
    await page.keyboard.press('s');
    await page.locator('.drop').waitFor();
    const answered = page.waitForResponse('**/api/source');
    letThrough();
    await (await answered).finished();
    await page.evaluate(() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))));
    expect(await page.locator('.drop').count()).toBe(1);
  });

  it('says what failed when a source was to take the place of another', async () => {
    const { session, server } = await room();
    const page = await open(server, '', { expected: /422/ });
    await page.locator('.chip-name').waitFor();
    session.openFault = new MediaError('not-found', '/videos/b.mp4 does not exist.');
    await page.keyboard.press('s');
    await page.getByLabel('Path of a video on the server').fill('/videos/b.mp4');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'Choose what to watch' }).waitFor();
    await page.getByRole('alert').waitFor();
    await eventually(() => page.getByRole('alert').textContent()).toBe('/videos/b.mp4 does not exist.');
    session.openFault = null;
    await page.getByLabel('Path of a video on the server').fill('/videos/c.mp4');
    await page.keyboard.press('Enter');
    await page.locator('.room').waitFor();
    await eventually(() => page.locator('dialog').count()).toBe(0);
  });

  it('chooses the checklist', async () => {
    const { session, server } = await start();
    const page = await open(server);
    await page.getByLabel('Checklist').selectOption({ label: 'One site' });
    await eventually(() => session.checklist.id).toBe('other-1');
  });

  it('comes back when the source is closed', async () => {
    const { session, server } = await room();
    const page = await open(server);
    await page.locator('.chip-name').waitFor();
    await page.keyboard.press('s');
    await page.getByRole('button', { name: 'Close the present source' }).click();
    await page.getByRole('heading', { name: 'Choose what to watch' }).waitFor();
    expect(session.closed).toBe(1);
  });
});
