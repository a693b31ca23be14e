import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readProcedure } from '../../src/procedure/reader.js';
import { verifyProcedure } from '../../src/procedure/verify.js';
import { photographRoutes } from '../../src/server/photograph-routes.js';
import { startServer, type LumenmarkServer } from '../../src/server/server.js';
import { auditFolder, colourGallery, writeProcedure, type Audited } from '../procedure/photographs/support.js';
import { FakeSession } from '../server/fake-session.js';
import { describeWithBrowser, launchBrowser } from '../support/browser.js';
import { eventually } from '../support/eventually.js';
import { temporaryFolder } from '../support/temporary.js';

const root = temporaryFolder();

describeWithBrowser('the page of photographs', () => {
  let browser: Browser;
  let server: LumenmarkServer;
  let audited: Audited;

  beforeAll(async () => {
    await writeProcedure(root);
    audited = await auditFolder(root, await colourGallery(join(root, 'colours')));
    const { home, key } = audited;
    server = await startServer({ controller: new FakeSession(), port: 0, routes: photographRoutes({ home, key }) });
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser.close();
    await server.dispose();
  });

  it('shows what was found, keeps a correction in the sealed journal, and counts it', async () => {
    const { id, folder, photographs } = audited.audit;
    const page = await browser.newPage({ viewport: { width: 1366, height: 860 } });
    const faults: string[] = [];
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => message.type() === 'error' && faults.push(message.text()));
    await page.goto(new URL(`photographs.html?procedure=${id}`, server.url).href);
    await page.locator('.card').first().waitFor();
    await eventually(() => page.locator('.card').count()).toBe(photographs.length);
    await eventually(() => page.locator('[data-site="z-line"]').getAttribute('data-state')).toBe('documented');

    await page.locator('.card', { hasText: '=cmd.png' }).click();
    await page.getByLabel('Landmark').selectOption({ label: 'Angulus in partial inversion' });
    await page.getByRole('button', { name: 'Change to Angulus' }).click();
    await page.getByRole('alert').waitFor();
    await page.getByLabel('Your name').fill('Dr Meier');
    await page.getByLabel('Reason').fill('it is the angulus');
    await page.getByRole('button', { name: 'Change to Angulus' }).click();
    await eventually(() => page.locator('[data-site="angulus"]').getAttribute('data-state')).toBe('documented');
    await eventually(() => page.locator('[data-site="z-line"]').getAttribute('data-state')).toBe('unseen');

    const entry = (await readProcedure(folder)).entriesOf('assignment').at(-1);
    expect(entry).toMatchObject({ by: 'Dr Meier', from: 'z-line', to: 'angulus', reason: 'it is the angulus' });
    expect(await verifyProcedure(folder)).toMatchObject({ verdict: 'intact', seals: { length: 2 } });

    await page.goto(new URL(`api/procedures/${id}/report/report.html`, server.url).href);
    await page.getByText('The machine had said: Z-line').waitFor();
    expect(faults).toEqual([]);
    await page.close();
  }, 60_000);

  it('refuses what is no photograph, no landmark, nobody, or another path', async () => {
    const { id, photographs } = audited.audit;
    const post = (body: object): Promise<Response> =>
      fetch(new URL(`api/procedures/${id}/assignments`, server.url), {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    const good = { file: photographs[0]!.picture, landmark: 'antrum', reason: 'x', by: 'y' };
    const statuses = async (...bodies: object[]): Promise<number[]> => Promise.all(bodies.map(async (body) => (await post(body)).status));
    expect(
      await statuses(
        { ...good, file: 'photographs/9999.jpg' },
        { ...good, landmark: 'moon' },
        { ...good, by: ' ' },
        { ...good, reason: '' },
      ),
    ).toEqual([404, 400, 400, 400]);
    const get = async (path: string): Promise<number> => (await fetch(new URL(path, server.url))).status;
    expect(await get(`api/procedures/${id}/pictures/photographs/0001.jpg`)).toBe(200);
    expect(await get(`api/procedures/${id}/pictures/..%2F..%2Finstallation-key.pem`)).toBe(404);
    expect(await get(`api/procedures/${id}/pictures/journal.ndjson`)).toBe(404);
    expect(await get(`api/procedures/..%2F${id}/photographs`)).toBe(404);
    expect(await get('api/procedures/2026-01-01T00-00-00Z-aaaa/photographs')).toBe(404);
  });
});
