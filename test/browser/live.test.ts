import { setTimeout as sleep } from 'node:timers/promises';
import { decode } from '@msgpack/msgpack';
import { WebSocket } from 'ws';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classInfo } from '../../src/common/landmarks.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';
import { buildGallery } from '../../src/retrieval/build-gallery.js';
import type { CoverageMessage, FrameMessage, ServerMessage, TrackingMessage } from '../../src/server/protocol.js';
import { chromiumPath, launchBrowser } from '../support/browser.js';
import { startLive, type Live } from '../support/live.js';
import { hasShared, sharedPath } from '../support/shared.js';
import { temporaryFolder } from '../support/temporary.js';

/** Listens to one source until `enough`. */
async function listen(url: string, sourceId: string, enough: (messages: readonly ServerMessage[]) => boolean): Promise<ServerMessage[]> {
  const socket = new WebSocket(`${url.replace('http', 'ws')}ws?source=${sourceId}`, 'lumenmark.v1');
  const messages: ServerMessage[] = [];
  socket.on('message', (data: Buffer) => messages.push(decode(data) as ServerMessage));
  const deadlineMs = performance.now() + 55_000;
  while (!enough(messages) && performance.now() < deadlineMs) await sleep(100);
  socket.terminate();
  return messages;
}

const framesOf = (messages: readonly ServerMessage[]): FrameMessage[] => messages.filter((message) => message.type === 'frame');
const trackingOf = (messages: readonly ServerMessage[]): TrackingMessage[] => messages.filter((message) => message.type === 'tracking');

describe.skipIf(!hasShared || chromiumPath === null)('lumenmark live on real endoscopy', () => {
  const folder = temporaryFolder();
  let live: Live;
  let browser: Browser;

  beforeAll(async () => {
    const gallery = `${folder}/gallery`;
    await buildGallery({ directory: sharedPath('data/endoscopy'), out: gallery, model: descriptors() });
    const video = (name: string): string[] => ['--source', sharedPath('data/video', name)];
    live = await startLive([
      ...video('gastroscopy-1.mp4'),
      ...video('colonoscopy-1.mp4'),
      ...video('colonoscopy-2-mpeg4.mp4'),
      '--gallery',
      gallery,
      '--loop',
    ]);
    browser = await launchBrowser();
  }, 300_000);

  afterAll(async () => {
    await browser.close();
    await live.stop();
  });

  it('shows moving video, a sighting of the stomach, and coverage that changes', async () => {
    const page = await browser.newPage({ viewport: { width: 1600, height: 900 } });
    await page.goto(live.url);
    const canvas = page.locator('canvas[data-frame-id]');
    await canvas.waitFor();
    const pictures = new Set<string>();
    for (let look = 0; look < 6; look++) {
      pictures.add((await canvas.screenshot()).toString('base64'));
      await sleep(300);
    }
    expect(pictures.size).toBeGreaterThan(3);

    const lanes = page.locator('.lane [data-landmark]');
    await lanes.first().waitFor({ timeout: 50_000 });
    const seen = await lanes.evaluateAll((marks) => marks.map((mark) => mark.getAttribute('data-landmark') ?? ''));
    expect(seen.map((landmark) => classInfo(landmark).tract)).toContain('upper');
    await page.locator('.site[data-state="seen"], .site[data-state="documented"]').first().waitFor({ timeout: 50_000 });
    await page.close();
  }, 120_000);

  it('pairs every frame with its own detection or one that is openly older', async () => {
    const messages = await listen(live.url, 'source-1', (so) => framesOf(so).length > 200);
    const frames = framesOf(messages);
    expect(frames.length).toBeGreaterThan(200);
    const analysed = new Map(trackingOf(messages).map((message) => [message.frameId, message]));
    let checked = 0;
    for (const { frameId, ptsUs, detection } of frames) {
      expect(detection).not.toBeNull();
      expect(detection!.frameId).toBeLessThanOrEqual(frameId);
      expect(detection!.ptsUs).toBeLessThanOrEqual(ptsUs);
      expect(detection!.carried).toBe(detection!.frameId !== frameId);
      const own = analysed.get(detection!.frameId);
      if (own === undefined) continue;
      expect({ pts: detection!.ptsUs, label: detection!.label, quality: detection!.quality }).toEqual({
        pts: own.ptsUs,
        label: own.frameLabel,
        quality: own.quality,
      });
      checked += 1;
    }
    expect(checked).toBeGreaterThan(150);
    const ids = frames.map(({ frameId }) => frameId);
    expect(ids).toEqual([...ids].sort((a, b) => a - b));
  }, 120_000);

  it('plays a colonoscopy, and keeps red-out from the vote', async () => {
    const verdicts = (so: readonly ServerMessage[]): Set<string> => new Set(trackingOf(so).map(({ quality }) => quality));
    const messages = await listen(live.url, 'source-2', (so) => verdicts(so).has('red-out') && verdicts(so).has('good'));
    expect([...verdicts(messages)]).toEqual(expect.arrayContaining(['good', 'red-out']));
    for (const { quality, frameLabel } of trackingOf(messages)) if (quality !== 'good') expect(frameLabel).toBeNull();
  }, 120_000);

  it('plays a codec that browsers do not', async () => {
    const messages = await listen(live.url, 'source-3', (so) => framesOf(so).length > 20 && trackingOf(so).length > 5);
    for (const { jpeg } of framesOf(messages)) expect([jpeg[0], jpeg[1]]).toEqual([0xff, 0xd8]);
    expect(framesOf(messages).length).toBeGreaterThan(20);
    expect(trackingOf(messages).length).toBeGreaterThan(5);
    expect(messages.filter((message): message is CoverageMessage => message.type === 'coverage')).not.toEqual([]);
  }, 120_000);
});
