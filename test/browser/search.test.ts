import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithBrowser, launchBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { startLive, type Live } from '../support/live.js';

const GALLERY = fileURLToPath(new URL('../../models/demo/gallery', import.meta.url));

describeWithBrowser('the search page', () => {
  let live: Live;
  let browser: Browser;

  beforeAll(async () => {
    live = await startLive(['--gallery', GALLERY]);
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    expect(await live.stop()).toBe(0);
  });

  it('shows the most similar exemplars of a picture, of one class on request, and says what it cannot read', async () => {
    const page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
    await page.goto(`${live.url}search.html`);
    await page.getByText('exemplars of').first().waitFor();
    const buffer = await readFile(`${GALLERY}/thumbnails/0/7.jpg`);
    await page.locator('input[type=file]').setInputFiles({ name: 'a.jpg', mimeType: 'image/jpeg', buffer });
    const neighbours = page.locator('.search-neighbours li');
    await neighbours.first().waitFor();
    await eventually(() => neighbours.count()).toBe(24);
    const [first] = (await readFile(`${GALLERY}/exemplars.ndjson`, 'utf8')).split('\n').slice(7, 8);
    const { path } = JSON.parse(first ?? '') as { path: string };
    // Its own thumbnail, smaller and compressed once more, is still nearest to where it came from.
    await eventually(() => neighbours.first().locator('.search-path').textContent()).toBe(path);
    await page.waitForFunction(() =>
      [...document.querySelectorAll<HTMLImageElement>('.search-neighbours img')].slice(0, 5).every((img) => img.naturalWidth > 0),
    );
    if (process.env['LUMENMARK_SCREENSHOTS'] !== undefined)
      await page.screenshot({ path: `${process.env['LUMENMARK_SCREENSHOTS']}/search.png` });

    await page.getByRole('combobox').selectOption('pylorus');
    await eventually(async () => new Set(await page.locator('.search-name').allTextContents())).toEqual(new Set(['Pylorus']));

    await page.locator('input[type=file]').setInputFiles({ name: 'notes.jpg', mimeType: 'image/jpeg', buffer: Buffer.from('no picture') });
    await page.getByRole('alert').getByText('notes.jpg').waitFor();
    await page.close();
  });
});
