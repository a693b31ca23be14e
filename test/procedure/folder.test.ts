import { appendFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { isSafeRelativePath } from '../../src/common/safe-path.js';
import { sha256Of } from '../../src/common/sha256.js';
import { detectionLine, detectionOf } from '../../src/procedure/detection-line.js';
import { fileNameFor, isProcedureId, newProcedureId, procedureFolder } from '../../src/procedure/paths.js';
import { readProcedure, type Procedure } from '../../src/procedure/reader.js';
import { openProcedureWriter } from '../../src/procedure/writer.js';
import { verifyProcedure } from '../../src/procedure/verify.js';
import { closedTestProcedure, newProcedure, testDetection, testKey, testSighting, writeTestProcedure } from '../support/procedures.js';
import { temporaryFolder } from '../support/temporary.js';

const home = temporaryFolder();

async function countDetections(procedure: Procedure): Promise<number> {
  let count = 0;
  for await (const { frameId } of procedure.detections()) expect(frameId).toBe(count++);
  return count;
}

describe('a procedure that was written', () => {
  it('is read back as it was said', async () => {
    const closed = await closedTestProcedure(home);
    const procedure = await readProcedure(closed.folder);
    expect(procedure.state).toBe('closed');
    expect(procedure.problem).toBeNull();
    expect(procedure.headHash).toBe(closed.headHash);
    expect(procedure.description).toMatchObject({ id: closed.id, kind: 'recorded', checklist: { id: 'esge-2016' } });
    expect(procedure.entriesOf('note')[0]).toMatchObject({ by: 'Dr Example', text: 'Ödem, 5 × 3 mm\nno biopsy' });
    expect(procedure.entriesOf('sighting-closed', 'sighting-opened')).toHaveLength(8);
    expect(await countDetections(procedure)).toBe(20);
    expect(procedure.recording).toBe(join(closed.folder, 'recording.mp4'));
    for (const { file, sha256, bytes } of procedure.entriesOf('still-kept')) {
      const still = readFileSync(join(closed.folder, file));
      expect([still.length, sha256Of(still)]).toEqual([bytes, sha256]);
    }
  });

  it('lists at closing every file but the journal and what is derived', async () => {
    const writer = await writeTestProcedure(home);
    writeFileSync(join(writer.folder, 'report.html'), 'derived');
    const { folder } = await writer.close();
    const [closed] = (await readProcedure(folder)).entriesOf('closed');
    expect(closed?.files.map(({ path }) => path)).toEqual([
      'detections.ndjson',
      'procedure.json',
      'recording.mp4',
      'stills/antrum-6.jpg',
      'stills/duodenum-16.jpg',
      'stills/pylorus-11.jpg',
      'stills/z-line-1.jpg',
    ]);
  });

  it('is read while it is open, and with half a line at its end', async () => {
    const writer = await writeTestProcedure(home);
    await writer.abandon();
    const whole = await readProcedure(writer.folder);
    expect(whole).toMatchObject({ state: 'open', problem: null, headHash: null });
    appendFileSync(join(writer.folder, 'journal.ndjson'), '{"seq":21,"at":"20');
    appendFileSync(join(writer.folder, 'detections.ndjson'), '{"frameId":20,');
    const torn = await readProcedure(writer.folder);
    expect(torn.entries).toEqual(whole.entries);
    expect(torn.problem).toEqual({ line: whole.entries.length, kind: 'torn', reason: 'the line has no end' });
    expect(await countDetections(torn)).toBe(20);
  });

  it('names the line of the journal and of the detections that is none of ours', async () => {
    const writer = await writeTestProcedure(home, { frames: 3 });
    await writer.abandon();
    const journal = join(writer.folder, 'journal.ndjson');
    const lines = readFileSync(journal, 'utf8').split('\n');
    lines[2] = lines[2]!.replace('"codec":"h264"', '"codec":7');
    writeFileSync(journal, lines.join('\n'));
    appendFileSync(join(writer.folder, 'detections.ndjson'), '{"frameId":-1}\n');
    const procedure = await readProcedure(writer.folder);
    expect(procedure.entries).toHaveLength(2);
    expect(procedure.problem).toMatchObject({ line: 2, kind: 'damaged' });
    expect(procedure.problem?.reason).toContain('codec');
    await expect(countDetections(procedure)).rejects.toThrow('line 4 of detections.ndjson is no detection: frameId');
  });

  it('is refused when it is foreign, damaged, or of a newer version', async () => {
    const foreign = join(home, 'foreign');
    mkdirSync(foreign);
    await expect(readProcedure(foreign)).rejects.toMatchObject({ code: 'procedure-missing' });
    writeFileSync(join(foreign, 'procedure.json'), '{"format":"other"}');
    await expect(readProcedure(foreign)).rejects.toMatchObject({ code: 'procedure-damaged' });
    writeFileSync(join(foreign, 'procedure.json'), '{"format":"lumenmark-procedure","version":2,"future":true}');
    await expect(readProcedure(foreign)).rejects.toMatchObject({ code: 'procedure-newer' });
    const { folder } = await closedTestProcedure(home);
    writeFileSync(join(folder, 'procedure.json'), Buffer.from([0x7b, 0xff, 0xfe]));
    await expect(readProcedure(folder)).rejects.toMatchObject({ code: 'procedure-damaged' });
  });

  it('keeps a still of a label that would lead out of the folder inside it', async () => {
    const writer = await openProcedureWriter(home, { procedure: newProcedure(), key: testKey() });
    const still = { type: 'still-kept', site: null, frameId: 7, ptsUs: 0, quality: 1, jpeg: Buffer.from('x') } as const;
    const { file } = await writer.addStill({ ...still, landmark: '../../../etc/passwd' });
    const { file: second } = await writer.addStill({ ...still, landmark: '..\\..\\etc/passwd' });
    expect([file, second]).toEqual(['stills/etc-passwd-7.jpg', 'stills/etc-passwd-7-2.jpg']);
    expect(existsSync(join(writer.folder, second))).toBe(true);
    await writer.close();
  });

  it('has a journal line only for a still that is there', async () => {
    const writer = await openProcedureWriter(home, { procedure: newProcedure(), key: testKey() });
    writeFileSync(join(writer.folder, 'stills', 'antrum-1.jpg.part'), '');
    // A folder in its place makes the write fail.
    mkdirSync(join(writer.folder, 'stills', 'antrum-1.jpg'));
    const still = { type: 'capture', site: null, landmark: 'antrum', frameId: 1, ptsUs: 0, quality: null, jpeg: Buffer.from('x') } as const;
    await expect(writer.addStill(still)).rejects.toMatchObject({ code: 'still-write' });
    await writer.close();
    expect((await readProcedure(writer.folder)).entriesOf('capture')).toHaveLength(0);
  });
});

describe('what could not be read again', () => {
  it('is refused before it is written, by the name of the field', async () => {
    const parent = join(home, 'refusals');
    const key = testKey();
    const tooLong = openProcedureWriter(parent, { procedure: newProcedure({ label: 'x'.repeat(501) }), key });
    await expect(tooLong).rejects.toMatchObject({ code: 'procedure-description', message: expect.stringMatching(/^label/) as string });
    expect(existsSync(parent)).toBe(false);

    const writer = await openProcedureWriter(parent, { procedure: newProcedure(), key });
    const sighting = { ...testSighting(0, 'antrum', 0, 3), confidence: NaN };
    await expect(writer.append({ type: 'sighting-opened', sighting })).rejects.toThrow('sighting.confidence');
    const still = {
      type: 'still-kept',
      jpeg: Buffer.from('x'),
      site: null,
      landmark: 'antrum',
      frameId: 1,
      ptsUs: -1,
      quality: 1,
    } as const;
    await expect(writer.addStill(still)).rejects.toThrow('ptsUs');
    await expect(writer.writeDetection({ ...testDetection(0, seededRandom(1)), confidence: Infinity })).rejects.toThrow('confidence');
    expect(writer.failure).toMatchObject({ code: 'detection-invalid' });
    await writer.writeDetection(testDetection(0, seededRandom(1)));
    await writer.close();
    expect((await verifyProcedure(writer.folder)).findings).toEqual([]);
    expect(await countDetections(await readProcedure(writer.folder))).toBe(1);
  });
});

describe('a detection line', () => {
  it('gives the tracker what it was made from', () => {
    const line = testDetection(3, seededRandom(3));
    const detection = detectionOf(line, 'room-1');
    const again = detectionLine(detection, {
      measures: null,
      current: { landmark: null, score: 1 },
      inferenceMs: 1,
      annotationAgeMs: null,
    });
    expect(detectionOf(again, 'room-1')).toEqual(detection);
  });
});

describe('names and paths', () => {
  it('sorts ids by time and takes nothing else for an id', () => {
    const id = newProcedureId(new Date('2026-11-27T02:14:55.123Z'));
    expect(id).toMatch(/^2026-11-27T02-14-55Z-[a-z0-9]{4}$/);
    expect(isProcedureId(id)).toBe(true);
    for (const bad of ['', '..', '../x', `${id}/..`, `${id} `, id.toUpperCase()]) {
      expect(isProcedureId(bad), bad).toBe(false);
      expect(() => procedureFolder('/home', bad)).toThrow('no procedure');
    }
  });

  it.each(['a', 'stills/a b.jpg', 'stills/é.jpg', 'a/.hidden', 'x..y'])('takes %j', (path) => {
    expect(isSafeRelativePath(path)).toBe(true);
  });

  it.each([
    '',
    '/a',
    '../a',
    'a/../b',
    'a/..',
    './a',
    'a//b',
    'a/',
    'a\\b',
    'C:/a',
    'C:a',
    'a\u0000b',
    'a\nb',
    'nul',
    'stills/CON.jpg',
    'a.',
    'a ',
    '...',
  ])('refuses %j', (path) => {
    expect(isSafeRelativePath(path)).toBe(false);
  });

  it.each([
    ['antrum', 'antrum'],
    ['../../x', 'x'],
    ['Große Kurvatur', 'Gro-e-Kurvatur'],
    ['', 'unnamed'],
    ['///', 'unnamed'],
    ['con', '_con'],
    ['.htaccess', 'htaccess'],
    ['a'.repeat(200), 'a'.repeat(80)],
  ])('makes %j the file name %j', (text, name) => {
    expect(fileNameFor(text)).toBe(name);
    expect(isSafeRelativePath(name)).toBe(true);
  });
});
