import { cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { createAmender } from '../../../src/procedure/amend.js';
import { catalogueFile, openCatalogue } from '../../../src/procedure/catalogue/catalogue.js';
import { installationKey } from '../../../src/procedure/key.js';
import { proceduresFolder } from '../../../src/procedure/paths.js';
import { openProcedureWriter, type ProcedureWriter } from '../../../src/procedure/writer.js';
import { loadChecklist } from '../../../src/tracking/checklist.js';
import { temporaryFolder } from '../../support/temporary.js';

const root = temporaryFolder();
const checklist = loadChecklist('esge-2016');

async function open(home: string, label: string): Promise<ProcedureWriter> {
  return openProcedureWriter(home, {
    key: await installationKey(home),
    procedure: {
      kind: 'recorded',
      label,
      source: { label: 'v4l2:/dev/video0', live: true, simulated: false, sha256: null },
      model: { name: 'descriptors', fingerprint: 'a'.repeat(64) },
      gallery: { name: 'tiny', fingerprint: 'b'.repeat(64), exemplars: 2, labels: ['antrum', 'pylorus'] },
      checklist,
      tracker: {},
      analysis: { width: 224, height: 224, fps: 10, fieldOfView: 'auto', policy: 'latest', device: 'cpu' },
    },
  });
}

const sighting = {
  ...{ id: 0, sourceId: 's', landmark: 'antrum', startPtsUs: 0, startFrameId: 0, endPtsUs: 3e6, endFrameId: 30, confidence: 0.9 },
  ...{ frames: 20, best: { frameId: 15, ptsUs: 15e5, quality: 0.9, score: 1 } },
};

describe('openCatalogue', () => {
  it('finds what is kept, in whatever state, and tells what is no procedure', async () => {
    const home = join(root, 'states');
    const parent = proceduresFolder(home);
    const closed = await open(home, 'Étage 2');
    await closed.append({ type: 'sighting-opened', sighting });
    await closed.append({ type: 'timers', totalMs: 61_000, inspectionMs: 60_000, withdrawalMs: null });
    await closed.close();
    const running = await open(home, 'running');
    mkdirSync(join(parent, 'holiday pictures'));
    cpSync(closed.folder, join(parent, '2026-01-01T00-00-00Z-copy'), { recursive: true });
    const newer = join(parent, '2027-01-01T00-00-00Z-newr');
    cpSync(closed.folder, newer, { recursive: true });
    const description = readFileSync(join(newer, 'procedure.json'), 'utf8');
    writeFileSync(join(newer, 'procedure.json'), description.replace('"version": 1', '"version": 7'));
    // What a link leads to may lie anywhere.
    symlinkSync(closed.folder, join(parent, '2026-02-02T00-00-00Z-link'));

    const catalogue = await openCatalogue(home);
    expect(catalogue.notice).toBeNull();
    expect(catalogue.list({ text: 'etage' }).procedures).toMatchObject([
      { id: closed.id, state: 'closed', timers: { totalMs: 61_000, inspectionMs: 60_000 } },
    ]);
    const antrum = checklist.sites.findIndex(({ id }) => id === 'antrum');
    expect(catalogue.get(closed.id)!.siteStates[antrum]).toBe('seen');
    expect(catalogue.get(running.id)).toMatchObject({ state: 'open', label: 'running' });
    expect(catalogue.list().total).toBe(2);
    expect(catalogue.unreadable()).toMatchObject([
      { folder: '2026-01-01T00-00-00Z-copy', reason: `it holds the procedure ${closed.id}` },
      { folder: '2027-01-01T00-00-00Z-newr', reason: expect.stringContaining('version 7') as string },
      { folder: 'holiday pictures', reason: expect.stringContaining('id') as string },
    ]);
    catalogue.dispose();
    await running.close();
  });

  it('follows what is added, amended and removed, and loses nothing with its database', async () => {
    const home = join(root, 'changes');
    const first = await open(home, 'first');
    await first.close();
    const catalogue = await openCatalogue(home);
    expect(await catalogue.refresh()).toEqual({ read: 0, removed: 0, unreadable: 0 });

    const second = await open(home, 'second');
    await second.close();
    await createAmender(await installationKey(home)).amend(first.folder, { type: 'audit-hold', by: 'auditor', on: true, reason: 'sample' });
    expect(await catalogue.refresh()).toEqual({ read: 2, removed: 0, unreadable: 0 });
    expect(catalogue.list({ held: true }).procedures.map(({ id }) => id)).toEqual([first.id]);

    rmSync(second.folder, { recursive: true });
    expect(await catalogue.refresh()).toEqual({ read: 0, removed: 1, unreadable: 0 });
    const before = catalogue.list();
    catalogue.dispose();

    for (const suffix of ['', '-wal', '-shm']) rmSync(`${catalogueFile(home)}${suffix}`, { force: true });
    const again = await openCatalogue(home);
    expect(again.list()).toEqual(before);
    again.dispose();
  });

  it('is empty where nothing was ever kept', async () => {
    const catalogue = await openCatalogue(join(root, 'nothing'));
    expect(catalogue.list()).toEqual({ total: 0, procedures: [] });
    expect(catalogue.statistics().procedures).toBe(0);
    catalogue.dispose();
  });
});
