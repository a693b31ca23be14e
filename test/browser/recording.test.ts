import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startServer, type LumenmarkServer } from '../../src/server/server.js';
import type { ProcedureControl } from '../../src/server/session.js';
import { coverage, FakeSession, frame, procedure } from '../server/fake-session.js';
import { describeWithBrowser, launchBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { numberedPictures } from './pictures.js';

/** Writes down what it is asked, and lets the test decide what the page is told. */
class FakeControl implements ProcedureControl {
  readonly asked: unknown[][] = [];
  #take<T>(answer: T, ...asked: unknown[]): Promise<T> {
    this.asked.push(asked);
    return Promise.resolve(answer);
  }
  start = (request: object): Promise<{ id: string; sourceId: string }> => this.#take({ id: 'p', sourceId: 's1' }, 'start', request);
  stop = (id: string): Promise<{ id: string; headHash: string }> => this.#take({ id, headHash: '' }, 'stop', id);
  capture = (id: string, request: object): Promise<{ file: string; fullSize: boolean }> =>
    this.#take({ file: 'stills/a.jpg', fullSize: true }, 'capture', id, request);
  setSite = (id: string, mark: object): Promise<void> => this.#take(undefined, 'site', id, mark);
  note = (id: string, text: string): Promise<void> => this.#take(undefined, 'note', id, text);
  pause = (id: string): Promise<void> => this.#take(undefined, 'pause', id);
  resume = (id: string): Promise<void> => this.#take(undefined, 'resume', id);
}

describeWithBrowser('overlay: a procedure', () => {
  const session = new FakeSession();
  const control = new FakeControl();
  let server: LumenmarkServer;
  let browser: Browser;
  let page: Page;
  const last = (): unknown => control.asked.at(-1);

  beforeAll(async () => {
    session.procedures = control;
    server = await startServer({ controller: session, port: 0 });
    browser = await launchBrowser();
    page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
    await page.goto(`http://127.0.0.1:${server.port}/`);
    const [jpeg] = await numberedPictures(1);
    while (server.hub.totals.clients === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    session.emit(frame(7, { jpeg: jpeg! }));
    session.emit(coverage());
    await page.locator('canvas[data-frame-id="7"]').waitFor();
  });
  afterAll(async () => {
    await browser.close();
    await server.dispose();
  });

  it('offers nothing where procedures cannot be kept, and takes no key for one', async () => {
    await eventually(() => page.locator('.procedure-bar').count()).toBe(0);
    await page.keyboard.press('Space');
    expect(control.asked).toEqual([]);
  });

  it('is begun by key, with a label, and shows state and time', async () => {
    session.emit(procedure({ state: 'none', id: null, video: 'none', totalMs: 0, inspectionMs: null }));
    await page.getByText('Not recording').waitFor();
    await page.keyboard.press('r');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.type('morning 3');
    await page.keyboard.press('Enter');
    await eventually(last).toEqual(['start', { sourceId: 's1', label: 'morning 3' }]);
    session.emit(procedure({ id: 'p', label: 'morning 3', totalMs: 754_000, inspectionMs: 61_000 }));
    await page.locator('.procedure-bar[data-state="open"][data-video="running"]').waitFor();
    await eventually(() => page.locator('.timer dd').allTextContents()).toEqual(['12:34', '1:01']);
    await eventually(() => page.locator('dialog').count()).toBe(0);
  });

  it('keeps the very frame that is seen, and says so when it is kept', async () => {
    await page.keyboard.press('Space');
    await eventually(last).toEqual(['capture', 'p', { frameId: 7, ptsUs: 280_000 }]);
    await page.getByText('Still kept').waitFor();
    await page.locator('.flash').waitFor({ state: 'attached' });
  });

  it('takes notes, interventions, and a site by hand with a reason', async () => {
    await page.keyboard.press('n');
    await page.locator('dialog[open]').waitFor();
    await page.keyboard.type('r i n ?');
    await page.keyboard.press('Enter');
    await eventually(last).toEqual(['note', 'p', 'r i n ?']);
    await eventually(() => page.locator('dialog').count()).toBe(0);
    await page.keyboard.press('i');
    await eventually(last).toEqual(['pause', 'p']);
    session.emit(procedure({ id: 'p', paused: true }));
    await page.locator('.procedure-bar[data-paused="true"]').waitFor();
    await page.keyboard.press('i');
    await eventually(last).toEqual(['resume', 'p']);
    await page.getByRole('button', { name: 'Z-line', exact: true }).click();
    await page.getByLabel('seen', { exact: true }).check();
    await page.getByLabel('Reason').fill('by eye');
    await page.keyboard.press('Enter');
    await eventually(last).toEqual(['site', 'p', { site: 'z-line', state: 'seen', reason: 'by eye' }]);
    const told = coverage();
    session.emit({
      ...told,
      sites: told.sites.map((site) => (site.id === 'z-line' ? { ...site, byHand: { by: 'A', reason: 'by eye' } } : site)),
    });
    await page.locator('.site[data-site="z-line"] .site-by-hand').waitFor();
  });

  it('warns before the disk is full, says that the video has stopped, and ends when asked twice', async () => {
    session.emit(procedure({ id: 'p', disk: { state: 'low', freeBytes: 1e9, lastsMs: 25 * 60_000 } }));
    await page.getByText('Disk low: room for about 25 min').waitFor();
    session.emit(procedure({ id: 'p', video: 'stopped', trouble: 'The disk is full: the video has stopped. Tracking goes on.' }));
    await page.locator('.procedure-warning[data-level="fault"]').waitFor();
    await page.keyboard.press('r');
    await page.getByText('End the procedure?').waitFor();
    expect(control.asked.filter(([what]) => what === 'stop')).toEqual([]);
    await page.keyboard.press('Enter');
    await eventually(last).toEqual(['stop', 'p']);
    session.emit(procedure({ id: 'p', state: 'closed', headHash: 'ab12'.repeat(16) }));
    await page.getByText('seal ab12ab12ab12').waitFor();
  });
});
