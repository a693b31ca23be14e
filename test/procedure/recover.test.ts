import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFileSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { sha256Of } from '../../src/common/sha256.js';
import { createAmender } from '../../src/procedure/amend.js';
import { mp4Header } from '../../src/media/fragmented-mp4.js';
import { openProcedureHome } from '../../src/procedure/home.js';
import { proceduresFolder } from '../../src/procedure/paths.js';
import { readProcedure } from '../../src/procedure/reader.js';
import { recoverProcedures, type Recovered } from '../../src/procedure/recover.js';
import { verifyProcedure } from '../../src/procedure/verify.js';
import { closedTestProcedure, testKey, writeTestProcedure } from '../support/procedures.js';
import { temporaryFolder } from '../support/temporary.js';

const parent = temporaryFolder();
let homes = 0;
const newHome = (): string => join(parent, String(homes++));
const recover = (home: string): Promise<Recovered[]> => recoverProcedures(home, { key: testKey() });

describe('recovery', () => {
  it('closes what a dead process left open, and cuts torn ends off without losing them', async () => {
    const home = newHome();
    const writer = await writeTestProcedure(home);
    await writer.abandon();
    const journal = join(writer.folder, 'journal.ndjson');
    const before = readFileSync(journal);
    appendFileSync(journal, '{"seq":21,"type":"no');
    appendFileSync(join(writer.folder, 'detections.ndjson'), '{"frameId":20');

    expect(await recover(home)).toMatchObject([{ id: writer.id, outcome: 'interrupted' }]);
    expect(await verifyProcedure(writer.folder)).toMatchObject({ findings: [], closing: 'interrupted' });
    const procedure = await readProcedure(writer.folder);
    expect(procedure.state).toBe('interrupted');
    expect(readFileSync(journal).subarray(0, before.length)).toEqual(before);
    const [interrupted] = procedure.entriesOf('interrupted');
    expect(interrupted).toMatchObject({
      monotonicMs: null,
      torn: [
        { path: 'journal.ndjson', bytes: 20, sha256: sha256Of(Buffer.from('{"seq":21,"type":"no')), keptAs: 'journal.ndjson.torn' },
        { path: 'detections.ndjson', bytes: 13, keptAs: 'detections.ndjson.torn' },
      ],
    });
    expect(readFileSync(join(writer.folder, 'journal.ndjson.torn'), 'utf8')).toBe('{"seq":21,"type":"no');
    expect(procedure.entriesOf('recording-stopped')).toMatchObject([{ reason: 'interrupted' }]);
    expect(await recover(home)).toEqual([]);
  });

  it('removes a video that was killed before its first frame, which no player opens, and says so', async () => {
    const home = newHome();
    const writer = await writeTestProcedure(home);
    await writer.abandon();
    const recording = join(writer.folder, 'recording.mp4');
    const configuration = Uint8Array.of(1, 66, 0, 30, 255, 225, 0, 0, 1, 0, 0);
    const header = mp4Header({ codec: 'h264', configuration, width: 320, height: 256 });
    // The beginning of a fragment is no frame yet.
    writeFileSync(recording, Buffer.concat([header, Buffer.from('\0\0\u0001\0moof\0\0', 'latin1')]));
    expect(await recover(home)).toMatchObject([{ outcome: 'interrupted' }]);
    const procedure = await readProcedure(writer.folder);
    expect(procedure.recording).toBeNull();
    expect(procedure.entriesOf('recording-stopped')).toMatchObject([
      { reason: 'interrupted', frames: 0, detail: 'held no frame and was removed' },
    ]);
    expect((await verifyProcedure(writer.folder)).findings).toEqual([]);
  });

  it('leaves alone what is closed, what this process writes, and what is no procedure', async () => {
    const home = newHome();
    await closedTestProcedure(home);
    const writer = await writeTestProcedure(home);
    mkdirSync(join(proceduresFolder(home), 'notes of somebody'));
    expect(await recoverProcedures(home, { key: testKey(), open: new Set([writer.id]) })).toEqual([]);
    await writer.close();
    expect((await verifyProcedure(writer.folder)).verdict).toBe('intact');
  });

  it('tells of what lacks its journal or its description, and follows no link out of the home', async () => {
    const home = newHome();
    for (const missing of ['journal.ndjson', 'procedure.json']) {
      const writer = await writeTestProcedure(home);
      await writer.abandon();
      rmSync(join(writer.folder, missing));
    }
    const elsewhere = await writeTestProcedure(newHome());
    await elsewhere.abandon();
    symlinkSync(elsewhere.folder, join(proceduresFolder(home), elsewhere.id));
    const told = await recover(home);
    expect(told.map(({ outcome }) => outcome)).toEqual(['damaged', 'damaged']);
    expect(told.map(({ detail }) => detail).sort()).toEqual(['journal.ndjson is missing', 'procedure.json is missing']);
    expect((await readProcedure(elsewhere.folder)).state).toBe('open');
  });

  it('mends at every byte at which the last write can have been torn', async () => {
    const home = newHome();
    const { folder } = await closedTestProcedure(home, { frames: 2 });
    const journal = join(folder, 'journal.ndjson');
    const whole = readFileSync(journal);
    const lines = whole.toString().slice(0, -1).split('\n');
    const closing = Buffer.byteLength(lines.slice(0, -2).join('\n')) + 1;
    const random = seededRandom(7);
    const cuts = [
      closing,
      closing + 1,
      whole.length - 1,
      ...Array.from({ length: 12 }, () => closing + Math.floor(random() * (whole.length - closing))),
    ];
    for (const cut of cuts) {
      const files = (await readProcedure(folder)).entriesOf('closed', 'interrupted')[0]?.files ?? [];
      for (const name of await readdir(folder)) if (name.endsWith('.torn')) rmSync(join(folder, name));
      writeFileSync(journal, whole);
      truncateSync(journal, cut);
      expect((await verifyProcedure(folder)).verdict, `cut at ${cut}`).toBe('unfinished');
      expect(await recover(home), `cut at ${cut}`).toMatchObject([{ outcome: 'interrupted' }]);
      const result = await verifyProcedure(folder);
      expect(result.findings, `cut at ${cut}`).toEqual([]);
      expect(files.length).toBeGreaterThan(0);
    }
  });

  it('cuts off half an amendment, keeps it, and seals nothing that it did not write', async () => {
    const home = newHome();
    const { folder } = await closedTestProcedure(home, { frames: 2 });
    const journal = join(folder, 'journal.ndjson');
    const sealed = readFileSync(journal);
    const { entry } = await createAmender(testKey()).amend(folder, { type: 'note', by: 'Auditor', text: 'x', ptsUs: null });
    const forged = Buffer.from(`${JSON.stringify(entry)}\n{"seq":`);
    writeFileSync(journal, Buffer.concat([sealed, forged]));
    expect((await verifyProcedure(folder)).verdict).toBe('unfinished');

    expect(await recover(home)).toMatchObject([{ outcome: 'mended' }]);
    expect((await verifyProcedure(folder)).findings).toEqual([]);
    const procedure = await readProcedure(folder);
    const notes = procedure.entriesOf('note').filter(({ seq }) => seq >= entry.seq);
    expect(notes).toHaveLength(1);
    expect(notes[0]?.text).toContain(sha256Of(forged));
    expect(readFileSync(join(folder, 'derived', 'journal.ndjson.torn'))).toEqual(forged);
  });

  it('does not touch, and does not seal, what was altered', async () => {
    const home = newHome();
    const writer = await writeTestProcedure(home);
    await writer.abandon();
    const journal = join(writer.folder, 'journal.ndjson');
    const altered = readFileSync(journal, 'utf8').replace('"codec":"h264"', '"codec":"hevc"');
    writeFileSync(journal, altered);
    appendFileSync(join(writer.folder, 'detections.ndjson'), '{"frameId":20');
    expect(await recover(home)).toMatchObject([{ outcome: 'damaged' }]);
    expect(readFileSync(journal, 'utf8')).toBe(altered);
    truncateSync(journal, 0);
    expect(await recover(home)).toMatchObject([{ outcome: 'damaged' }]);
  });

  it('removes the folder of a process that died before it wrote a line', async () => {
    const home = newHome();
    const folder = join(proceduresFolder(home), '2026-11-27T02-14-55Z-k3f9');
    mkdirSync(join(folder, 'stills'), { recursive: true });
    writeFileSync(join(folder, 'procedure.json'), '{}');
    writeFileSync(join(folder, 'journal.ndjson'), '{"seq":0');
    expect(await recover(home)).toMatchObject([{ outcome: 'removed' }]);
    expect(await readdir(proceduresFolder(home))).toEqual([]);
  });

  it('loses no acknowledged line to SIGKILL', async () => {
    const home = newHome();
    const module = (path: string): string => JSON.stringify(new URL(`../../dist/${path}`, import.meta.url).href);
    const description = JSON.stringify((await readProcedure((await closedTestProcedure(newHome())).folder)).description);
    const script = `
      import { openProcedureWriter } from ${module('procedure/writer.js')};
      import { installationKey } from ${module('procedure/key.js')};
      const { format, version, id, startedAt, clock, versions, ...procedure } = ${description};
      const writer = await openProcedureWriter(${JSON.stringify(home)}, { procedure, key: await installationKey(${JSON.stringify(home)}) });
      let frameId = 0;
      const jpeg = Buffer.alloc(5000, 7);
      const write = async (hand) => {
        for (let at = 0; ; at++) {
          const text = hand + ' ' + at;
          if (at % 5 === 0) await writer.addStill({ type: 'capture', jpeg, site: null, landmark: hand, frameId: at, ptsUs: 0, quality: null });
          await writer.append({ type: 'note', by: hand, text, ptsUs: null });
          // Synchronous, so that what was acknowledged is told before anything else happens.
          (await import('node:fs')).writeSync(1, text + '\\n');
        }
      };
      void write('left'); void write('right');`;
    for (const delayMs of [5, 40, 90]) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] });
      let told = '';
      child.stdout.on('data', (chunk: Buffer) => {
        told += chunk.toString();
      });
      await once(child.stdout, 'data');
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      const closed = once(child, 'close');
      child.kill('SIGKILL');
      await closed;

      const opened = await openProcedureHome(home);
      await opened.dispose();
      const { recovered } = opened;
      expect(recovered).toMatchObject([{ outcome: 'interrupted' }]);
      const folder = join(proceduresFolder(home), recovered[0]!.id);
      expect((await verifyProcedure(folder)).findings).toEqual([]);
      const kept = new Set((await readProcedure(folder)).entriesOf('note').map(({ text }) => text));
      const acknowledged = told.split('\n').filter((line) => line !== '');
      expect(acknowledged.length).toBeGreaterThan(0);
      expect(acknowledged.filter((text) => !kept.has(text))).toEqual([]);
    }
  });
});
