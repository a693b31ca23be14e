import { readdir, readFile, rm, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { createAmender } from '../../../src/procedure/amend.js';
import { coverageOf } from '../../../src/procedure/final-coverage.js';
import { installationKey } from '../../../src/procedure/key.js';
import type { PhotographAudit } from '../../../src/procedure/photographs/audit-photographs.js';
import { keptStills } from '../../../src/procedure/exemplar-pictures.js';
import { findPhotographs } from '../../../src/procedure/photographs/find-photographs.js';
import { proceduresFolder } from '../../../src/procedure/paths.js';
import { readProcedure } from '../../../src/procedure/reader.js';
import { overviewOf, type OverviewPart } from '../../../src/procedure/report/overview.js';
import { remakeOverview } from '../../../src/procedure/report/remake-overview.js';
import { writeOverview } from '../../../src/procedure/report/write-overview.js';
import { writeReport } from '../../../src/procedure/report/write-report.js';
import { verifyProcedure } from '../../../src/procedure/verify.js';
import type { Gallery } from '../../../src/retrieval/gallery.js';
import { patches, write } from '../../retrieval/support.js';
import { temporaryFolder } from '../../support/temporary.js';
import { auditFolder, colourGallery, LANDMARKS, writeProcedure } from './support.js';

const root = temporaryFolder();
let gallery: Gallery;
let next = 0;
const folder = (): string => join(root, `case-${next++}`);

beforeAll(async () => {
  gallery = await colourGallery(join(root, 'colours'));
});

async function textOf(folder: string): Promise<string> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const texts = await Promise.all(
    files.filter((entry) => entry.isFile()).map((entry) => readFile(join(entry.parentPath, entry.name), 'latin1')),
  );
  return texts.join('\n');
}

describe('auditPhotographs', () => {
  it('keeps what it found as a procedure that verifies, in the order a person expects, without anything about the patient', async () => {
    const at = folder();
    await writeProcedure(at);
    const { audit, key } = await auditFolder(at, gallery);
    const summary = audit.photographs.map(({ outcome, landmark, repeats }) => [outcome, landmark, repeats]);
    expect(summary).toEqual([
      ['assigned', 'z-line', null],
      ['assigned', 'antrum', null],
      ['assigned', 'antrum', 1],
      ['assigned', 'duodenal-bulb', null],
      ['assigned', 'duodenal-bulb', null],
    ]);
    expect(audit.unreadable.map(({ path }) => path)).toEqual(['broken.jpg', 'empty.webp']);
    const states = Object.fromEntries(audit.sites.map(({ id, state }) => [id, state]));
    expect(states).toMatchObject({ antrum: 'documented', 'z-line': 'documented', 'duodenal-bulb': 'documented', angulus: 'unsupported' });

    const procedure = await readProcedure(audit.folder);
    expect(procedure).toMatchObject({ state: 'closed', headHash: audit.headHash, description: { kind: 'photographs', label: null } });
    expect(coverageOf(procedure)).toMatchObject({ required: 3, documented: 3 });
    expect(await verifyProcedure(audit.folder, { ownKey: key.publicKey })).toMatchObject({ verdict: 'intact', key: { owner: 'own' } });
    await writeReport(audit.folder);
    expect(/DOE\^JANE|PAT-4711/.test(await textOf(audit.folder))).toBe(false);
  });

  it('reports the same from the same folder, safe for a spreadsheet, and what was corrected since as corrected', async () => {
    const at = folder();
    await writeProcedure(at);
    const { audit, key } = await auditFolder(at, gallery);
    const out = join(at, 'out');
    await writeReport(audit.folder);
    const first = await readFile(join(audit.folder, 'report.html'), 'utf8');
    const { files } = await writeReport(audit.folder, { out });
    expect(files.map((file) => file.slice(out.length + 1))).toEqual(['report.html', 'report.json', 'report.csv', 'photographs.csv']);
    expect(await readFile(join(out, 'report.html'), 'utf8')).toBe(first);
    expect(first).toContain(audit.headHash);
    expect(first).toContain('Research use only');
    expect(first).not.toMatch(/<script|src="(?!data:)/);
    expect(await readFile(join(out, 'photographs.csv'), 'utf8')).toContain(",'=cmd.png,");
    expect(await verifyProcedure(audit.folder)).toMatchObject({ verdict: 'intact' });

    const amender = createAmender(key);
    const zLine = audit.photographs[0]!;
    const why = { file: zLine.picture, reason: 'it is the angulus', by: 'Dr Meier' } as const;
    await amender.amend(audit.folder, { type: 'assignment', from: 'z-line', to: 'angulus', ...why });
    const { report } = await writeReport(audit.folder, { out });
    const states = Object.fromEntries(report.sites.map(({ id, state }) => [id, state]));
    expect(states).toMatchObject({ 'z-line': 'unseen', angulus: 'documented' });
    expect(report.completeness).toMatchObject({ required: 4, documented: 3, missing: 1 });
    expect(report.photographs[0]).toMatchObject({
      outcome: 'assigned',
      landmark: 'z-line',
      counts: 'angulus',
      correction: { by: 'Dr Meier' },
    });
    expect(report.verification).toMatchObject({ verdict: 'intact', seals: { length: 2 } });
    // As exemplars they go under what the person said, and a photograph that nobody looked at before comes too.
    const second = { file: audit.photographs[2]!.picture, reason: 'clear', by: 'Dr Meier' } as const;
    await amender.amend(audit.folder, { type: 'assignment', from: null, to: 'antrum', ...second });
    expect(keptStills(await readProcedure(audit.folder)).map(({ label, path }) => [label, path])).toEqual([
      ['antrum', 'stills/antrum-1.jpg'],
      ['duodenal-bulb', 'stills/duodenal-bulb-3.jpg'],
      ['angulus', 'stills/z-line-0.jpg'],
      ['antrum', audit.photographs[2]!.picture],
    ]);
    const corrected = await readFile(join(out, 'report.html'), 'utf8');
    expect(corrected).toMatch(/The machine had said: Z-line/);
    expect(corrected).toMatch(/Dr Meier/);
  });

  it('keeps no name of a file, in any of its own, where none was wanted', async () => {
    const at = folder();
    await writeProcedure(at);
    await write(join(at, 'procedure', 'Müller 1971.jpg'), await patches(LANDMARKS.antrum, 7));
    const { audit } = await auditFolder(at, gallery, { names: false });
    const { report } = await writeReport(audit.folder);
    expect(report.photographs.map(({ path }) => path)).toEqual(['0001.png', '0002.jpg', '0003.jpg', '0006', '0006', '0007.jpg']);
    expect(report.unreadable.map(({ path }) => path)).toEqual(['0004.jpg', '0005.webp']);
    expect(await textOf(audit.folder)).not.toMatch(/ller 1971|IM0001|=cmd|broken\.jpg/);
    expect(report.verification.verdict).toBe('intact');
  });

  it('says how often the gallery errs', async () => {
    const at = folder();
    await writeProcedure(at);
    const { audit } = await auditFolder(at, gallery);
    const { report } = await writeReport(audit.folder);
    const { chosen, knownQueries, unknownQueries } = gallery.manifest.calibration!;
    const { falseAcceptance, loss } = chosen;
    expect(report.gallery.calibration).toEqual({ falseAcceptance, loss, knownQueries, unknownQueries });
    const page = await readFile(join(audit.folder, 'report.html'), 'utf8');
    expect(page).toContain('How often this gallery errs');
    expect(page).toContain('<h1>procedure</h1>');
  });

  it('makes an overview anew with what was corrected since, and without what is no longer kept', async () => {
    const at = folder();
    const cases = ['a', 'b'].map((name) => join(at, name));
    const out = join(at, 'out');
    const parts: OverviewPart[] = [];
    const audits: PhotographAudit[] = [];
    for (const one of cases) {
      await writeProcedure(one);
      const { audit } = await auditFolder(one, gallery, {}, join(at, 'home'));
      audits.push(audit);
      const { report } = await writeReport(audit.folder, { out: join(out, audit.id) });
      parts.push({ report, name: one, link: `${audit.id}/report.html` });
    }
    await writeOverview(overviewOf(parts, [{ name: 'c', reason: 'unreadable' }]), out, { at: new Date(0) });
    const [first, second] = audits;
    const key = await installationKey(join(at, 'home'));
    const file = first!.photographs[0]!.picture;
    await createAmender(key).amend(first!.folder, {
      type: 'assignment',
      file,
      from: 'z-line',
      to: null,
      reason: 'blurred',
      by: 'Dr Meier',
    });

    const { overview } = await remakeOverview(out, { home: join(at, 'home'), ownKey: key.publicKey });
    expect(overview.procedures.map(({ states }) => states['z-line'])).toEqual(['unseen', 'documented']);
    expect(await readFile(join(out, 'overview.csv'), 'utf8')).toContain('unseen');
    expect(await readFile(join(out, first!.id, 'report.html'), 'utf8')).toContain('Dr Meier');

    await rm(second!.folder, { recursive: true });
    const again = await remakeOverview(out, { home: join(at, 'home') });
    expect(again.overview.procedures).toHaveLength(1);
    expect(again.overview.failed).toEqual([
      { name: 'c', reason: 'unreadable' },
      { name: cases[1], reason: 'is no longer kept here' },
    ]);
    await expect(remakeOverview(at, { home: join(at, 'home') })).rejects.toMatchObject({ code: 'overview-missing' });
    await expect(remakeOverview(out, { home: join(at, 'other') })).rejects.toMatchObject({ code: 'overview-empty' });
  });

  it('says in the report that the folder was altered', async () => {
    const at = folder();
    await writeProcedure(at);
    const { audit } = await auditFolder(at, gallery);
    await write(join(audit.folder, 'photographs/0001.jpg'), await patches(LANDMARKS.antrum, 1));
    const { report } = await writeReport(audit.folder);
    expect(report.verification.verdict).toBe('altered');
    expect(await readFile(join(audit.folder, 'report.html'), 'utf8')).toMatch(/was altered after it was sealed/);
  });

  it('counts hundreds of unreadable files among a good one, and keeps nothing where none can be read', async () => {
    const at = folder();
    for (let file = 0; file < 400; file++) await write(join(at, 'procedure', `bad-${file}.jpg`), 'x');
    await expect(auditFolder(at, gallery)).rejects.toMatchObject({ code: 'photographs-unreadable' });
    expect(await readdir(proceduresFolder(join(at, 'home'))).catch(() => [])).toEqual([]);
    await write(join(at, 'procedure', 'good.jpg'), await patches(LANDMARKS.antrum, 1));
    const { audit } = await auditFolder(at, gallery);
    expect(audit.unreadable).toHaveLength(400);
    expect(audit.photographs).toHaveLength(1);
  });
});

describe('findPhotographs', () => {
  it('takes every folder with pictures for a procedure, files named by themselves for one, and says what is not there', async () => {
    const at = folder();
    for (const name of ['a/1.jpg', 'a/2.PNG', 'b/deep/3.tif', 'b/notes.txt', '.hidden/4.jpg', 'a/.5.jpg']) await write(join(at, name), 'x');
    const found = await findPhotographs([at]);
    expect(found.map(({ name, paths }) => [name, paths])).toEqual([
      ['a', ['1.jpg', '2.PNG']],
      ['b/deep', ['3.tif']],
    ]);
    const together = await findPhotographs([at], { together: true });
    expect(together.map(({ paths }) => paths)).toEqual([['a/1.jpg', 'a/2.PNG', 'b/deep/3.tif']]);
    const named = await findPhotographs([join(at, 'b/deep/3.tif'), join(at, 'a/1.jpg')]);
    expect(named.map(({ paths }) => paths)).toEqual([['a/1.jpg', 'b/deep/3.tif']]);
    await expect(findPhotographs([join(at, 'nowhere')])).rejects.toMatchObject({ code: 'photographs-missing' });
    await expect(findPhotographs([join(at, '.hidden/../b/notes.txt'), join(at, 'b')])).resolves.toHaveLength(2);
    await symlink(at, join(at, 'b', 'again'));
    expect((await findPhotographs([at])).map(({ name }) => name)).toEqual(['a', 'b/deep']);
    await write(join(at, 'c/notes.txt'), 'x');
    await expect(findPhotographs([join(at, 'c')])).rejects.toMatchObject({ code: 'photographs-none' });
  });
});
