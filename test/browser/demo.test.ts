import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWithBrowser, launchBrowser } from '../support/browser.js';
import { startLive, type Live } from '../support/live.js';

describeWithBrowser('lumenmark live without arguments', () => {
  let live: Live;
  let browser: Browser;

  beforeAll(async () => {
    live = await startLive([]);
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    expect(await live.stop()).toBe(0);
  });

  it('plays the simulated procedure, says so, and fills the coverage', async () => {
    const page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
    await page.goto(live.url);
    await page.locator('canvas[data-frame-id]').waitFor();
    await page.getByText('Simulated procedure').first().waitFor();
    await page.locator('.lane [data-landmark]').first().waitFor({ timeout: 60_000 });
    await expect
      .poll(() => page.locator('.site[data-state="seen"], .site[data-state="documented"]').count(), { timeout: 90_000 })
      .toBeGreaterThanOrEqual(3);
    await page.close();
  }, 180_000);
});
