import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';
import { describe } from 'vitest';

const CANDIDATES = [
  process.env['CHROMIUM_PATH'],
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
];

export const chromiumPath = CANDIDATES.find((path) => path !== undefined && existsSync(path)) ?? null;

if (chromiumPath === null) process.stderr.write('No Chromium found: browser tests are SKIPPED. Install chromium, or set CHROMIUM_PATH.\n');

/** `describe` for suites that drive a browser: they are skipped, and counted as skipped, where there is none. */
export const describeWithBrowser = describe.skipIf(chromiumPath === null);

export function launchBrowser(): Promise<Browser> {
  if (chromiumPath === null) throw new Error('No Chromium was found.');
  return chromium.launch({
    executablePath: chromiumPath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
