import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { encodeMessage } from '../../src/server/encode.js';
import { startServer } from '../../src/server/server.js';
import { coverage, FakeSession, frame, procedure, stats, tracking } from './fake-session.js';
import { eventually } from '../support/eventually.js';

const root = fileURLToPath(new URL('../..', import.meta.url));
const page = readFileSync(`${root}/docs/protocol.md`, 'utf8');

/** The first code block of a language under a heading. */
function block(heading: string, language: string): string {
  const section = page.slice(page.indexOf(`\n${heading}\n`));
  const found = new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``).exec(section)?.[1];
  if (found === undefined) throw new Error(`No ${language} under ${heading}`);
  return found;
}

/** The names of all fields, of one of each kind of element where there are several. */
function shape(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shape(value[0])];
  if (value === null || typeof value !== 'object' || ArrayBuffer.isView(value))
    return typeof value === 'object' ? 'object or null' : typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shape(field)]));
}

const detection = { frameId: 1, ptsUs: 1, carried: true, label: 'antrum', score: 0.5, known: true, quality: 'good' } as const;
const wireFrame = JSON.parse(encodeMessage(frame(1, { detection }), 'json') as string) as object;

describe('docs/protocol.md', () => {
  it.each([
    ['`hello`', new FakeSession().hello(null)],
    ['`frame`', { ...wireFrame, jpeg: '' }],
    ['`tracking`', tracking(1, { neighbours: [{ exemplar: 1, label: 'antrum', similarity: 0.9 }] })],
    ['`coverage`', { ...coverage(['documented']), sites: coverage(['documented']).sites.slice(0, 1) }],
    ['`procedure`', procedure({ label: 'x' })],
    ['`stats`', { ...stats(), previewDelayMs: { p50: 1, p95: 2 }, clientDroppedFrames: 0, drawDelayMs: 17 }],
  ])('shows %s with the fields it has', (heading, message) => {
    expect(shape(JSON.parse(block(`### ${heading}`, 'json')))).toEqual(shape(message));
  });

  it.each(['### `event`', '### `error`', '## From client to server', '### Errors'])('shows JSON under %s', (heading) => {
    const text = block(heading, 'json').trim();
    const values = heading === '### Errors' ? [text] : text.split('\n');
    for (const value of values) expect(() => JSON.parse(value) as unknown).not.toThrow();
  });

  it('has a client that runs as it stands', async () => {
    const session = new FakeSession();
    const server = await startServer({ controller: session, port: 0, clientDir: '/nonexistent' });
    const code = block('## A client in fifteen lines', 'js').replace('127.0.0.1:8787', `127.0.0.1:${server.port}`);
    const child = spawn(process.execPath, ['--input-type=module', '--eval', code], { cwd: root, stdio: ['ignore', 'pipe', 'inherit'] });
    try {
      let printed = '';
      child.stdout.on('data', (chunk: Buffer) => (printed += chunk.toString('utf8')));
      await eventually(() => server.hub.totals.clients).toBe(1);
      const times = { startPtsUs: 1_500_000, endPtsUs: 4_000_000, bestFrameId: 60, confidence: 0.934 };
      session.emit({ type: 'event', event: 'sighting-closed', sourceId: 's1', landmark: 'retroflex-stomach', ...times });
      await eventually(() => printed).toBe('Stomach in retroflexion: 1.5 s to 4 s, 93 %\n');
    } finally {
      child.kill();
      await server.dispose();
    }
  });
});
