import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import type { Embedder } from '../../src/inference/embedder.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';
import { auditVideo, type VideoAudit } from '../../src/procedure/audit-video.js';
import { openCatalogue, type Catalogue } from '../../src/procedure/catalogue/catalogue.js';
import type { DetectionLine } from '../../src/procedure/detection-line.js';
import { installationKey } from '../../src/procedure/key.js';
import { readProcedure } from '../../src/procedure/reader.js';
import { openGallery } from '../../src/retrieval/gallery.js';
import { procedureRoutes } from '../../src/server/procedure-routes.js';
import { startServer, type LumenmarkServer } from '../../src/server/server.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import { describeWithBrowser, launchBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/temporary.js';
import { makeGallery, makeVideo } from '../support/tiny-procedure.js';
import { FakeSession } from '../server/fake-session.js';

describeWithBrowser('replay of an audited video', () => {
  const folder = temporaryFolder();
  const home = join(folder, 'home');
  let browser: Browser;
  let server: LumenmarkServer;
  let catalogue: Catalogue;
  let embedder: Embedder;
  let audited: VideoAudit;
  const lines: DetectionLine[] = [];

  beforeAll(async () => {
    const gallery = await openGallery(await makeGallery(folder), { model: descriptors() });
    embedder = await createEmbedder(gallery.model, { device: 'cpu' });
    const ffmpeg = await findFfmpeg();
    const key = await installationKey(home);
    const checklist = loadChecklist('esge-2016');
    const video = await makeVideo(folder);
    audited = await auditVideo({
      home,
      key,
      video,
      gallery,
      embedder,
      checklist,
      ffmpeg,
      analysisFps: 5,
      label: 'Room 2',
      simulated: true,
    });
    for await (const line of (await readProcedure(audited.folder)).detections()) lines.push(line);
    catalogue = await openCatalogue(home);
    const routes = procedureRoutes({ home, catalogue, gallery, embedder, ffmpeg });
    server = await startServer({ controller: new FakeSession(), port: 0, routes });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await server.dispose();
    catalogue.dispose();
    await embedder.dispose();
  });

  /** What the page shows must be what was kept for the time that it shows. */
  async function checkShown(page: Page): Promise<string> {
    const picture = page.locator('.picture');
    const ptsUs = Number(await picture.getAttribute('data-pts-us'));
    const line = lines.findLast((one) => one.ptsUs <= ptsUs)!;
    expect(Number(await picture.getAttribute('data-frame-id'))).toBe(line.frameId);
    const { landmark, score } = line.current;
    expect(await page.locator('.chip').getAttribute('data-landmark')).toBe(landmark ?? '');
    if (landmark !== null) expect(await page.locator('.chip-percent').textContent()).toBe(`${String(Math.round(score * 100))} %`);
    return landmark ?? '';
  }

  it('is found in the list, and played with what was shown then', async () => {
    const page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    await page.goto(`${server.url}procedures`);
    await page.getByText('Room 2').waitFor();
    await page.locator('.tile').first().waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.lane-tracks').waitFor();
    await page.locator('.seal-state[data-state="intact"]').waitFor();

    const video = page.locator('video');
    await eventually(() => video.evaluate((element: HTMLVideoElement) => element.readyState)).toBeGreaterThanOrEqual(2);
    for (const expected of ['pylorus', 'z-line']) {
      await page.keyboard.press('ArrowRight');
      await eventually(() => page.locator('.chip').getAttribute('data-landmark')).toBe(expected);
      await eventually(() => video.evaluate((element: HTMLVideoElement) => element.seeking)).toBe(false);
      expect(await checkShown(page)).toBe(expected);
      await page.locator('.exemplar').first().waitFor();
    }
    // One frame on, and one back to the very same, several times.
    const shownUs = async (): Promise<number> => Number(await page.locator('.picture').getAttribute('data-pts-us'));
    const steps = [await shownUs()];
    for (const key of ['.', '.', '.', ',', ',', ',']) {
      await page.keyboard.press(key);
      await page.waitForTimeout(300);
      await checkShown(page);
      steps.push(await shownUs());
    }
    expect(new Set(steps).size).toBe(4);
    expect(steps.slice(4)).toEqual(steps.slice(0, 3).reverse());
    await page.keyboard.press('ArrowLeft');
    await eventually(() => page.locator('.chip').getAttribute('data-landmark')).toBe('pylorus');
    await page.keyboard.press('+');
    await page.keyboard.press('Space');
    await expect.poll(() => video.evaluate((element: HTMLVideoElement) => element.currentTime), { timeout: 20_000 }).toBeGreaterThan(3);
    expect(await video.evaluate((element: HTMLVideoElement) => element.playbackRate)).toBe(1.5);
    await page.keyboard.press('Space');
    await page.waitForTimeout(300);
    await checkShown(page);
    expect(faults).toEqual([]);
    await page.close();
  }, 120_000);

  it('is analysed again from the page, with equal result; a changed folder is told', async () => {
    const page = await browser.newPage({ viewport: { width: 1366, height: 768 } });
    await page.goto(`${server.url}replay?procedure=${audited.id}`);
    await page.getByRole('button', { name: 'Analyse again' }).click();
    await page.locator('.reanalysis > button').click();
    await page.getByText('The recording gives the same sightings, to the last digit.').waitFor({ timeout: 60_000 });
    expect(await page.locator('.compare tbody tr').count()).toBe(2);

    appendFileSync(join(audited.folder, 'recording.mp4'), 'x');
    await page.reload();
    await page.locator('.seal-state[data-state="altered"]').waitFor();
    await page.close();
  }, 120_000);
});
