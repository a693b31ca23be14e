import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { crc32Of } from '../../src/common/crc32.js';
import { createAmender } from '../../src/procedure/amend.js';
import { deleteProcedure, finishDeletions } from '../../src/procedure/delete.js';
import { readDeletions } from '../../src/procedure/deletion-log.js';
import { exportProcedure, verifyArchive } from '../../src/procedure/export.js';
import { proceduresFolder } from '../../src/procedure/paths.js';
import { planRetention, type Keepable } from '../../src/procedure/retention.js';
import { verifyProcedure } from '../../src/procedure/verify.js';
import { closedTestProcedure, testKey, writeTestProcedure } from '../support/procedures.js';
import { temporaryFolder } from '../support/temporary.js';

const parent = temporaryFolder();
let homes = 0;
const newHome = (): string => join(parent, String(homes++));
const WHY = { reason: 'retention', by: 'Dr Example' };

/** An archive of one stored file under any name, as no honest writer makes it (PKWARE APPNOTE 4.3). */
function archiveOf(name: string, content = 'x'): string {
  const [nameBytes, data] = [Buffer.from(name), Buffer.from(content)];
  const fields = Buffer.alloc(26);
  fields.writeUInt16LE(20, 0);
  fields.writeUInt32LE(crc32Of(data), 10);
  fields.writeUInt32LE(data.length, 14);
  fields.writeUInt32LE(data.length, 18);
  fields.writeUInt16LE(nameBytes.length, 22);
  const local = Buffer.concat([Buffer.from('PK\u0003\u0004'), fields, nameBytes, data]);
  const central = Buffer.concat([Buffer.from('PK\u0001\u0002'), Buffer.from([20, 3]), fields, Buffer.alloc(14), nameBytes]);
  const end = Buffer.alloc(22);
  end.write('PK\u0005\u0006');
  end.writeUInt16LE(1, 8);
  end.writeUInt16LE(1, 10);
  end.writeUInt32LE(central.length, 12);
  end.writeUInt32LE(local.length, 16);
  const file = join(parent, `foreign-${homes++}.zip`);
  writeFileSync(file, Buffer.concat([local, central, end]));
  return file;
}

describe('an export', () => {
  it.each(['copy', 'copy.zip'])('to %s verifies elsewhere, with its report and without caches', async (name) => {
    const { folder, headHash } = await closedTestProcedure(newHome());
    writeFileSync(join(folder, 'report.html'), 'report');
    mkdirSync(join(folder, 'derived'));
    writeFileSync(join(folder, 'derived', 'cache'), 'cache');
    const out = join(newHome(), 'new', name);
    const exported = await exportProcedure(folder, out);
    expect(exported).toMatchObject({ out, headHash, files: 9 });
    const elsewhere = { expectedKey: testKey().publicKey, expectedHead: headHash };
    const result = await (name.endsWith('.zip') ? verifyArchive(out, elsewhere) : verifyProcedure(out, elsewhere));
    expect(result).toMatchObject({ verdict: 'intact', headHash, key: { owner: 'expected' } });
    expect(readdirSync(join(out, '..'))).toEqual([name]);
    if (!name.endsWith('.zip')) expect(readdirSync(out)).toContain('report.html');
    await expect(exportProcedure(folder, out)).rejects.toMatchObject({ code: 'export-exists' });
  });

  it('finds what was altered in an archive', async () => {
    const { folder } = await closedTestProcedure(newHome(), { frames: 2 });
    const out = join(newHome(), 'a.zip');
    await exportProcedure(folder, out);
    const bytes = readFileSync(out);
    // Within the stored picture, whose bytes are not compressed.
    const still = readFileSync(join(folder, 'stills', 'antrum-6.jpg'));
    const at = bytes.indexOf(still.subarray(0, 32)) + 40;
    bytes[at]! ^= 1;
    writeFileSync(out, bytes);
    const found = await verifyArchive(out).then(
      ({ findings }) => findings.map(({ path }) => path),
      (error: unknown) => [String(error)],
    );
    expect(found).toHaveLength(1);
  });

  it.each(['../evil', 'a/../../evil', '/etc/evil', 'C:/evil', 'a\\..\\evil', 'nul'])(
    'from elsewhere with the name %j is not unpacked',
    async (name) => {
      await expect(verifyArchive(archiveOf(name))).rejects.toMatchObject({ name: 'ProcedureError' });
      expect(existsSync(join(tmpdir(), 'evil'))).toBe(false);
    },
  );

  it('that is none, holds none, or whose content is damaged is refused', async () => {
    const none = join(parent, 'text.zip');
    writeFileSync(none, 'not an archive');
    await expect(verifyArchive(none)).rejects.toMatchObject({ code: 'archive-unreadable' });
    await expect(verifyArchive(archiveOf('a/b.txt'))).rejects.toMatchObject({ code: 'procedure-missing' });
  });

  it('does not vouch for what is altered or not closed', async () => {
    const home = newHome();
    const { folder } = await closedTestProcedure(home);
    writeFileSync(join(folder, 'recording.mp4'), 'x');
    await expect(exportProcedure(folder, join(parent, 'x'))).rejects.toMatchObject({ code: 'export-not-intact' });
    const writer = await writeTestProcedure(home);
    await expect(exportProcedure(writer.folder, join(parent, 'x'))).rejects.toMatchObject({ code: 'export-not-intact' });
    await writer.abandon();
    expect(existsSync(join(parent, 'x'))).toBe(false);
  });
});

describe('deleting', () => {
  it('leaves a line in a log that is chained', async () => {
    const home = newHome();
    const [first, second] = [
      await closedTestProcedure(home),
      await closedTestProcedure(home, { procedure: { label: 'Erika Mustermann' } }),
    ];
    await deleteProcedure(home, first.id, WHY);
    await deleteProcedure(home, second.id, WHY);
    expect(readdirSync(proceduresFolder(home))).toEqual([]);
    expect(await readDeletions(home)).toMatchObject([
      { seq: 0, id: first.id, headHash: first.headHash, ...WHY },
      { seq: 1, id: second.id, headHash: second.headHash },
    ]);
    const log = join(home, 'deletions.ndjson');
    const text = readFileSync(log, 'utf8');
    expect(text).not.toContain('Mustermann');
    writeFileSync(log, text.slice(text.indexOf('\n') + 1));
    await expect(readDeletions(home)).rejects.toMatchObject({ code: 'deletions-altered' });
  });

  it('is refused for what is marked for audit, open, or not readable to its end', async () => {
    const home = newHome();
    const held = await closedTestProcedure(home);
    const amender = createAmender(testKey());
    await amender.amend(held.folder, { type: 'audit-hold', on: true, reason: 'complaint' });
    await expect(deleteProcedure(home, held.id, WHY)).rejects.toMatchObject({ code: 'procedure-held' });
    await amender.amend(held.folder, { type: 'audit-hold', on: false, reason: 'settled' });
    await deleteProcedure(home, held.id, WHY);

    const open = await writeTestProcedure(home);
    await expect(deleteProcedure(home, open.id, WHY)).rejects.toMatchObject({ code: 'procedure-open' });
    await open.close();
    writeFileSync(join(open.folder, 'journal.ndjson'), `${readFileSync(join(open.folder, 'journal.ndjson'), 'utf8')}{"x"`);
    await expect(deleteProcedure(home, open.id, WHY)).rejects.toMatchObject({ code: 'procedure-damaged' });
    await expect(deleteProcedure(home, '../../etc', WHY)).rejects.toMatchObject({ code: 'procedure-id' });
    expect(existsSync(open.folder)).toBe(true);
  });

  it('that a crash cut short is finished when the log has it, and undone when it has not', async () => {
    const home = newHome();
    const [logged, unlogged] = [await closedTestProcedure(home), await closedTestProcedure(home)];
    await deleteProcedure(home, logged.id, WHY);
    const going = (id: string): string => join(proceduresFolder(home), `.deleting-${id}`);
    mkdirSync(going(logged.id));
    renameSync(unlogged.folder, going(unlogged.id));
    await finishDeletions(home);
    expect(readdirSync(proceduresFolder(home))).toEqual([unlogged.id]);
    expect((await verifyProcedure(unlogged.folder)).verdict).toBe('intact');
  });
});

describe('retention', () => {
  const NOW = Date.parse('2026-11-27T00:00:00Z');
  const procedure = (day: string, changes: Partial<Keepable> = {}): Keepable => ({
    id: day,
    startedAt: `${day}T00:00:00.000Z`,
    state: 'closed',
    held: false,
    bytes: 10,
    ...changes,
  });
  const ids = (found: readonly Keepable[]): string[] => found.map(({ id }) => id);

  it('removes what is too old, and the oldest of what is too much', () => {
    const all = ['2026-11-20', '2026-11-01', '2026-10-01', '2026-09-01'].map((day) => procedure(day));
    expect(ids(planRetention(all, { keepDays: 30, keepBytes: null }, NOW).remove)).toEqual(['2026-09-01', '2026-10-01']);
    expect(planRetention(all, { keepDays: null, keepBytes: 10 }, NOW)).toMatchObject({ keptBytes: 10, spared: 0, exceeded: false });
    expect(ids(planRetention(all, { keepDays: null, keepBytes: 10 }, NOW).remove)).toEqual(['2026-09-01', '2026-10-01', '2026-11-01']);
    expect(planRetention(all, { keepDays: null, keepBytes: 40 }, NOW).remove).toEqual([]);
    expect(planRetention(all, { keepDays: null, keepBytes: null }, NOW).remove).toEqual([]);
  });

  it('never removes what is marked for audit or open, though it counts', () => {
    const all = [
      procedure('2020-01-01', { held: true, bytes: 100 }),
      procedure('2020-01-02', { state: 'open' }),
      procedure('2020-01-03', { state: 'interrupted' }),
      procedure('2026-11-26'),
    ];
    const byAge = planRetention(all, { keepDays: 1.5, keepBytes: null }, NOW);
    expect(ids(byAge.remove)).toEqual(['2020-01-03']);
    expect(byAge.spared).toBe(2);
    const bySize = planRetention(all, { keepDays: null, keepBytes: 50 }, NOW);
    expect(ids(bySize.remove)).toEqual(['2020-01-03', '2026-11-26']);
    expect(bySize).toMatchObject({ keptBytes: 110, exceeded: true });
  });
});
