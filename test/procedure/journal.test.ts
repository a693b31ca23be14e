import { readFileSync, truncateSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { sha256Of } from '../../src/common/sha256.js';
import { AppendQueue, type AppendHandle } from '../../src/procedure/append-queue.js';
import { chainStart } from '../../src/procedure/chain.js';
import { Journal } from '../../src/procedure/journal.js';
import { testKey } from '../support/procedures.js';
import { temporaryFolder } from '../support/temporary.js';

const folder = temporaryFolder();
const START = chainStart(Buffer.from('{}'));

function linesOf(file: string): string[] {
  const text = readFileSync(file, 'utf8');
  expect(text.endsWith('\n')).toBe(true);
  return text.slice(0, -1).split('\n');
}

describe('a journal', () => {
  it('chains every line to the bytes of the one before', async () => {
    const file = join(folder, 'chain.ndjson');
    const journal = await Journal.open({ file, head: START, position: 0, resumedAfter: null });
    await journal.append({ type: 'note', text: 'one – “ü”', ptsUs: null });
    await journal.append({ type: 'note', by: 'Dr Example', text: 'two', ptsUs: 5 });
    await journal.close();
    const lines = linesOf(file);
    expect(lines.map((line) => (JSON.parse(line) as { seq: number }).seq)).toEqual([0, 1]);
    expect(JSON.parse(lines[0]!)).toMatchObject({ previous: sha256Of(Buffer.from('{}')), by: 'lumenmark' });
    expect(JSON.parse(lines[1]!)).toMatchObject({ previous: sha256Of(Buffer.from(lines[0]!)), by: 'Dr Example' });
  });

  it('keeps the order of calls that are not awaited, and acknowledges only what is in the file', async () => {
    const file = join(folder, 'order.ndjson');
    const journal = await Journal.open({ file, head: START, position: 0, resumedAfter: null });
    const seen: number[] = [];
    await Promise.all(
      Array.from({ length: 200 }, (_, at) =>
        journal.append({ type: 'note', text: String(at), ptsUs: null }).then(({ seq, text }) => {
          expect(text).toBe(String(at));
          expect(readFileSync(file, 'utf8')).toContain(`"seq":${seq},`);
          seen.push(seq);
        }),
      ),
    );
    await journal.close();
    expect(seen).toEqual(Array.from({ length: 200 }, (_, at) => at));
    const lines = linesOf(file);
    lines.slice(1).forEach((line, at) => {
      expect((JSON.parse(line) as { previous: string }).previous).toBe(sha256Of(Buffer.from(lines[at]!)));
    });
  });

  it('tells of a clock that went back, and keeps counting on the one that cannot', async () => {
    const file = join(folder, 'clock.ndjson');
    const clock = { wall: 1_800_000_000_000, monotonic: 500 };
    const journal = await Journal.open({
      file,
      head: START,
      position: 0,
      resumedAfter: null,
      clock: { wallMs: () => clock.wall, monotonicMs: () => clock.monotonic },
    });
    await journal.append({ type: 'note', text: 'before', ptsUs: null });
    clock.wall -= 3_600_000;
    clock.monotonic += 1000;
    await journal.append({ type: 'note', text: 'after', ptsUs: null });
    clock.wall += 1000;
    clock.monotonic += 1000;
    await journal.append({ type: 'note', text: 'later', ptsUs: null });
    await journal.close();
    const entries = linesOf(file).map((line) => JSON.parse(line) as { type: string; monotonicMs: number; jumpMs?: number });
    expect(entries.map(({ type }) => type)).toEqual(['note', 'clock', 'note', 'note']);
    expect(entries.map(({ monotonicMs }) => monotonicMs)).toEqual([0, 1000, 1000, 2000]);
    expect(entries[1]).toMatchObject({ jumpMs: -3_601_000, previousAt: '2027-01-15T08:00:00.000Z' });
  });

  it('goes on after another process, and tells when the clock went back between them', async () => {
    const file = join(folder, 'resumed.ndjson');
    const first = await Journal.open({ file, head: START, position: 0, resumedAfter: null });
    await first.append({ type: 'note', text: 'one', ptsUs: null });
    await first.close();
    const size = readFileSync(file).length;
    const wallMs = 1_800_000_000_000;
    const options = { file, head: first.head, position: size, clock: { wallMs: () => wallMs, monotonicMs: () => 7 } };
    for (const [resumedAfter, types] of [
      [new Date(wallMs - 86_400_000).toISOString(), ['note', 'note']],
      [new Date(wallMs + 1000).toISOString(), ['note', 'clock', 'note']],
    ] as const) {
      truncateSync(file, size);
      const second = await Journal.open({ ...options, resumedAfter });
      const { monotonicMs } = await second.append({ type: 'note', text: 'two', ptsUs: null });
      await second.close();
      expect(monotonicMs).toBeNull();
      expect(linesOf(file).map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(types);
    }
    expect(JSON.parse(linesOf(file)[1]!)).toMatchObject({ jumpMs: -1000 });
  });

  it('stays a chain of what was acknowledged, whatever a failing disk does between', async () => {
    const file = join(folder, 'failing.ndjson');
    const random = seededRandom(11);
    const openFile = async (path: string, flags: string): Promise<AppendHandle> => {
      const handle = await open(path, flags);
      return {
        async write(bytes, offset, length, position) {
          const written = await handle.write(bytes, offset, Math.ceil(random() * length), position);
          if (random() < 0.08) throw new Error('ENOSPC');
          return written;
        },
        async datasync() {
          if (random() < 0.1) throw new Error('EIO');
          await handle.datasync();
        },
        truncate: (bytes) => handle.truncate(bytes),
        close: () => handle.close(),
      };
    };
    const journal = await Journal.open({ file, head: START, position: 0, resumedAfter: null, openFile });
    const acknowledged: string[] = [];
    for (let round = 0; round < 60; round++) {
      const texts = Array.from({ length: 1 + Math.floor(random() * 4) }, (_, at) => `${round}.${at}`);
      const settled = await Promise.allSettled(texts.map((text) => journal.append({ type: 'note', text, ptsUs: null })));
      settled.forEach((result, at) => {
        if (result.status === 'fulfilled') acknowledged.push(texts[at]!);
        else expect(result.reason).toMatchObject({ code: 'journal-write' });
      });
    }
    await journal.close();
    const lines = linesOf(file);
    expect(lines.map((line) => (JSON.parse(line) as { text: string }).text)).toEqual(acknowledged);
    expect(acknowledged.length).toBeGreaterThan(20);
    expect(acknowledged.length).toBeLessThan(100);
    let previous = START.previous;
    for (const [seq, line] of lines.entries()) {
      expect(JSON.parse(line)).toMatchObject({ seq, previous });
      previous = sha256Of(Buffer.from(line));
    }
    expect(journal.head).toEqual({ seq: lines.length, previous });
  });

  it('writes an entry and its seal together', async () => {
    const file = join(folder, 'seal.ndjson');
    const journal = await Journal.open({ file, head: START, position: 0, resumedAfter: null });
    const { seal } = await journal.seal(testKey(), { type: 'closed', files: [] });
    await journal.close();
    expect(linesOf(file).map((line) => (JSON.parse(line) as { type: string }).type)).toEqual(['closed', 'seal']);
    expect(seal.previous).toBe(sha256Of(Buffer.from(linesOf(file)[0]!)));
  });
});

describe('an append queue', () => {
  it('writes together what came while a write was under way', async () => {
    const handle = await open(join(folder, 'batches'), 'w');
    const batches: number[] = [];
    const queue = new AppendQueue<string, undefined>({
      handle,
      position: 0,
      durable: true,
      encode: (items) => {
        batches.push(items.length);
        return { bytes: Buffer.from(items.join('')), results: items.map(() => undefined) };
      },
    });
    const first = queue.append('a');
    await Promise.resolve();
    const rest = Array.from({ length: 50 }, () => queue.append('b'));
    await Promise.all([first, ...rest]);
    await queue.close();
    expect(batches).toEqual([1, 50]);
    await expect(queue.append('c')).rejects.toThrow('closed');
  });

  it('takes a failed write back, so that the next one finds no half line', async () => {
    const file = join(folder, 'full-disk');
    const handle = await open(file, 'w');
    let full = false;
    const limited: AppendHandle = {
      async write(bytes, offset, length, position) {
        if (!full) return handle.write(bytes, offset, length, position);
        await handle.write(bytes, offset, Math.min(3, length), position);
        throw new Error('ENOSPC: no space left on device');
      },
      datasync: () => handle.datasync(),
      truncate: (bytes) => handle.truncate(bytes),
      close: () => handle.close(),
    };
    const queue = new AppendQueue<string, undefined>({
      handle: limited,
      position: 0,
      durable: true,
      encode: (items) => ({ bytes: Buffer.from(items.join('')), results: items.map(() => undefined) }),
    });
    await queue.append('first\n');
    full = true;
    await expect(Promise.all([queue.append('second\n'), queue.append('third\n')])).rejects.toThrow('ENOSPC');
    expect(readFileSync(file, 'utf8')).toBe('first\n');
    full = false;
    await queue.append('fourth\n');
    await queue.close();
    expect(readFileSync(file, 'utf8')).toBe('first\nfourth\n');
  });

  it('refuses to overwrite a file that is there', async () => {
    const file = join(folder, 'there.ndjson');
    writeFileSync(file, 'x');
    await expect(Journal.open({ file, head: START, position: 0, resumedAfter: null })).rejects.toThrow('EEXIST');
  });
});
