import { createHash, createPublicKey, verify } from 'node:crypto';
import { appendFileSync, cpSync, mkdirSync, readFileSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { sha256Of } from '../../src/common/sha256.js';
import { createAmender } from '../../src/procedure/amend.js';
import { verifyProcedure, type Verification } from '../../src/procedure/verify.js';
import { closedTestProcedure, testKey, writeTestProcedure } from '../support/procedures.js';
import { tamper, TAMPERINGS } from '../support/tampering.js';
import { temporaryFolder } from '../support/temporary.js';

const home = temporaryFolder();
let pristine: string;
let copies = 0;

beforeAll(async () => {
  pristine = (await closedTestProcedure(home)).folder;
  const amender = createAmender(testKey());
  await amender.amend(pristine, { type: 'site-set', by: 'Auditor', site: 'antrum', state: 'unseen', reason: 'that is the angulus' });
  await amender.amend(pristine, { type: 'audit-hold', by: 'Auditor', on: true, reason: 'complaint 12' });
});

/** A copy to be tampered with. */
function copy(): string {
  const folder = join(home, `copy-${copies++}`);
  cpSync(pristine, folder, { recursive: true });
  return folder;
}

function journalOf(folder: string): { lines: string[]; write: (lines: readonly string[]) => void } {
  const file = join(folder, 'journal.ndjson');
  return {
    lines: readFileSync(file, 'utf8').slice(0, -1).split('\n'),
    write: (lines) => {
      writeFileSync(file, `${lines.join('\n')}\n`);
    },
  };
}

function first({ verdict, findings }: Verification): [string, string | undefined, string | undefined, number | null | undefined] {
  const [finding] = findings;
  return [verdict, finding?.kind, finding?.path, finding?.line];
}

/** Chains lines anew from `from` on, as anybody can who knows how. */
function rechain(lines: string[], from: number): string[] {
  const rebuilt = [...lines];
  for (let at = from; at < rebuilt.length; at++) {
    const line = JSON.parse(rebuilt[at]!) as Record<string, unknown>;
    line['seq'] = at;
    line['previous'] = sha256Of(Buffer.from(rebuilt[at - 1]!));
    rebuilt[at] = JSON.stringify(line);
  }
  return rebuilt;
}

describe('verify', () => {
  it('finds nothing in an untouched folder, wherever it lies', async () => {
    const result = await verifyProcedure(copy(), { ownKey: testKey().publicKey });
    expect(result).toMatchObject({ verdict: 'intact', findings: [], closing: 'closed', files: 7, key: { owner: 'own' } });
    expect(result.seals).toHaveLength(3);
    expect(result.headHash).toBe(result.seals[2]!.headHash);
  });

  it('agrees with the rules of docs/audit.md, written down anew', () => {
    const lines = readFileSync(join(pristine, 'journal.ndjson'), 'utf8').slice(0, -1).split('\n');
    let previous = createHash('sha256')
      .update(readFileSync(join(pristine, 'procedure.json')))
      .digest('hex');
    let seals = 0;
    for (const line of lines) {
      const entry = JSON.parse(line) as Record<string, string>;
      expect(entry['previous']).toBe(previous);
      previous = createHash('sha256').update(line).digest('hex');
      if (entry['type'] !== 'seal') continue;
      const statement = line.replace(`,"signature":"${entry['signature']!}"`, '');
      const x = Buffer.from(entry['key']!, 'hex').toString('base64url');
      const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
      expect(verify(null, Buffer.from(`lumenmark procedure seal v1\n${statement}`), key, Buffer.from(entry['signature']!, 'hex'))).toBe(
        true,
      );
      seals += 1;
    }
    expect(seals).toBe(3);
  });

  it('does not mind derived files', async () => {
    const folder = copy();
    writeFileSync(join(folder, 'report.html'), 'x');
    mkdirSync(join(folder, 'derived'));
    writeFileSync(join(folder, 'derived', 'comparison.json'), 'x');
    expect((await verifyProcedure(folder)).verdict).toBe('intact');
  });

  it('names an altered line by what follows it', async () => {
    const folder = copy();
    const { lines, write } = journalOf(folder);
    const at = lines.findIndex((line) => line.includes('no biopsy'));
    write(lines.map((line, index) => (index === at ? line.replace('no biopsy', 'a biopsy') : line)));
    expect(first(await verifyProcedure(folder))).toEqual(['altered', 'line-altered', 'journal.ndjson', at]);
  });

  it('names a line whose own hash of the one before was altered', async () => {
    const folder = copy();
    const { lines, write } = journalOf(folder);
    write(
      lines.map((line, at) =>
        at === 5 ? line.replace(/"previous":"(.)/, (_, digit: string) => `"previous":"${digit === '0' ? '1' : '0'}`) : line,
      ),
    );
    expect(first(await verifyProcedure(folder))).toEqual(['altered', 'line-altered', 'journal.ndjson', 5]);
  });

  it('tells removed, moved and inserted lines apart', async () => {
    const { lines, write } = journalOf(copy());
    const attempts: [string[], string, number][] = [
      [lines.toSpliced(4, 1), 'line-removed', 4],
      [lines.toSpliced(0, 1), 'line-removed', 0],
      [lines.toSpliced(4, 3), 'line-removed', 4],
      [lines.toSpliced(4, 2, lines[5]!, lines[4]!), 'line-moved', 4],
      [lines.toSpliced(6, 0, lines[2]!), 'line-inserted', 6],
    ];
    for (const [tampered, kind, line] of attempts) {
      const folder = copy();
      journalOf(folder).write(tampered);
      expect(first(await verifyProcedure(folder))).toEqual(['altered', kind, 'journal.ndjson', line]);
    }
    write(lines);
  });

  it('is not deceived by a chain that was computed anew', async () => {
    const folder = copy();
    const { lines, write } = journalOf(folder);
    const at = lines.findIndex((line) => line.includes('no biopsy'));
    write(rechain(lines.toSpliced(at, 1), at));
    const result = await verifyProcedure(folder);
    expect(result).toMatchObject({ verdict: 'altered', findings: [{ kind: 'seal-forged' }] });
  });

  it('names a line that was appended after the last seal, however well it is chained', async () => {
    const folder = copy();
    const { lines, write } = journalOf(folder);
    const note = { seq: 0, at: '2027-01-01T00:00:00.000Z', monotonicMs: null, previous: '', type: 'note', by: 'x', text: 'x', ptsUs: null };
    write(rechain([...lines, JSON.stringify(note)], lines.length));
    expect(first(await verifyProcedure(folder))).toEqual(['altered', 'line-unsealed', 'journal.ndjson', lines.length]);
    write(rechain([...lines, JSON.stringify({ ...note, type: 'resume', ptsUs: null, text: undefined })], lines.length));
    expect(first(await verifyProcedure(folder))).toEqual(['altered', 'line-inserted', 'journal.ndjson', lines.length]);
  });

  it('names the seal of a stranger who amended it', async () => {
    const folder = copy();
    await expect(createAmender(testKey(2)).amend(folder, { type: 'note', text: 'x', ptsUs: null })).rejects.toMatchObject({
      code: 'amend-key',
    });
    const stranger = (await closedTestProcedure(home, { key: testKey(2) })).folder;
    expect(await verifyProcedure(stranger, { ownKey: testKey().publicKey })).toMatchObject({
      verdict: 'intact',
      key: { owner: 'unknown' },
    });
    const result = await verifyProcedure(stranger, { expectedKey: testKey().publicKey });
    expect(result).toMatchObject({ verdict: 'altered', findings: [{ kind: 'key-unexpected' }], key: { owner: 'unknown' } });
    expect(await verifyProcedure(copy(), { expectedKey: testKey().publicKey })).toMatchObject({
      verdict: 'intact',
      key: { owner: 'expected' },
    });
  });

  it('tells a torn end from tampering', async () => {
    const writer = await writeTestProcedure(home);
    await writer.abandon();
    expect(first(await verifyProcedure(writer.folder)).slice(0, 2)).toEqual(['unfinished', 'not-closed']);
    appendFileSync(join(writer.folder, 'journal.ndjson'), '{"seq":2');
    expect(first(await verifyProcedure(writer.folder)).slice(0, 2)).toEqual(['unfinished', 'line-torn']);
    writeFileSync(join(writer.folder, 'stills', 'antrum-6.jpg'), 'other');
    const result = await verifyProcedure(writer.folder);
    expect(result.verdict).toBe('altered');
    expect(result.findings[1]).toMatchObject({ kind: 'file-altered', path: 'stills/antrum-6.jpg' });
  });

  it('takes zeros at the end, as a loss of power leaves them, for torn', async () => {
    const folder = copy();
    appendFileSync(join(folder, 'journal.ndjson'), Buffer.alloc(300));
    expect(first(await verifyProcedure(folder)).slice(0, 2)).toEqual(['unfinished', 'line-torn']);
  });

  it('needs a head hash kept elsewhere to see that whole seals were cut away, and then sees it', async () => {
    const folder = copy();
    const { lines, write } = journalOf(folder);
    const { seals, headHash } = await verifyProcedure(folder);
    write(lines.slice(0, -2));
    expect(await verifyProcedure(folder)).toMatchObject({ verdict: 'intact' });
    const result = await verifyProcedure(folder, { expectedHead: headHash! });
    expect(first(result)).toEqual(['altered', 'head-unknown', 'journal.ndjson', null]);
    const earlier = await verifyProcedure(pristine, { expectedHead: ` ${seals[0]!.headHash.slice(0, 20).toUpperCase()} ` });
    expect(earlier).toMatchObject({ verdict: 'intact', amendmentsSinceHead: 2 });
    await expect(verifyProcedure(pristine, { expectedHead: 'abc' })).rejects.toMatchObject({ code: 'head-hash' });
  });

  it('names files that are altered, missing, added, or replaced by a link', async () => {
    const folder = copy();
    truncateSync(join(folder, 'recording.mp4'), 100);
    rmSync(join(folder, 'stills', 'antrum-6.jpg'));
    writeFileSync(join(folder, 'stills', 'extra.jpg'), 'x');
    rmSync(join(folder, 'detections.ndjson'));
    symlinkSync(join(pristine, 'detections.ndjson'), join(folder, 'detections.ndjson'));
    expect((await verifyProcedure(folder)).findings.map(({ kind, path }) => [kind, path])).toEqual([
      ['file-no-file', 'detections.ndjson'],
      ['file-altered', 'recording.mp4'],
      ['file-missing', 'stills/antrum-6.jpg'],
      ['file-unlisted', 'stills/extra.jpg'],
    ]);
  });

  it('goes on looking at the files when the journal is broken', async () => {
    const folder = copy();
    const { lines, write } = journalOf(folder);
    write(lines.toSpliced(4, 1));
    truncateSync(join(folder, 'recording.mp4'), 100);
    expect((await verifyProcedure(folder)).findings.map(({ kind, path }) => [kind, path])).toEqual([
      ['line-removed', 'journal.ndjson'],
      ['file-altered', 'recording.mp4'],
    ]);
  });

  it('names the description, or that there is no journal', async () => {
    const folder = copy();
    const file = join(folder, 'procedure.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"simulated": true', '"simulated": false'));
    expect((await verifyProcedure(folder)).findings).toMatchObject([{ kind: 'description-altered', path: 'procedure.json' }]);
    rmSync(join(folder, 'journal.ndjson'));
    expect(first(await verifyProcedure(folder))).toEqual(['altered', 'journal-missing', 'journal.ndjson', null]);
    await expect(verifyProcedure(home)).rejects.toMatchObject({ code: 'procedure-missing' });
  });

  it('says that a description is missing, and is not deceived by a folder that holds another procedure', async () => {
    const folder = copy();
    rmSync(join(folder, 'procedure.json'));
    const { findings, id } = await verifyProcedure(folder);
    expect([id, findings.map(({ message }) => message)]).toEqual([null, ['procedure.json is missing']]);
    const exchanged = join(home, '2026-01-02T03-04-05Z-aaaa');
    cpSync(pristine, exchanged, { recursive: true });
    expect(first(await verifyProcedure(exchanged))).toEqual(['altered', 'folder-exchanged', 'procedure.json', null]);
    expect((await verifyProcedure(exchanged)).findings).toHaveLength(1);
  });

  it('takes a version that was only edited for altered, and not for newer', async () => {
    const folder = copy();
    const file = join(folder, 'procedure.json');
    writeFileSync(file, readFileSync(file, 'utf8').replace('"version": 1', '"version": 9'));
    expect(first(await verifyProcedure(folder)).slice(0, 2)).toEqual(['altered', 'description-altered']);
  });

  it('sees a still that was exchanged before the procedure was closed', async () => {
    const writer = await writeTestProcedure(home);
    writeFileSync(join(writer.folder, 'stills', 'antrum-6.jpg'), 'other');
    const { folder } = await writer.close();
    expect(first(await verifyProcedure(folder)).slice(0, 3)).toEqual(['altered', 'file-altered', 'stills/antrum-6.jpg']);
  });

  it('finds seeded tampering of every kind, and nothing when it is undone', async () => {
    const folder = copy();
    const random = seededRandom(20);
    let done = 0;
    for (let round = 0; round < 12; round++) {
      for (const kind of TAMPERINGS) {
        const tampering = tamper(folder, kind, random);
        if (tampering === null) continue;
        done += 1;
        const found = await verifyProcedure(folder).then(
          ({ findings }) => findings,
          () => [],
        );
        expect(found, `${kind} of ${tampering.path}: ${tampering.detail}`).not.toEqual([]);
        tampering.undo();
      }
      expect((await verifyProcedure(folder)).findings).toEqual([]);
    }
    expect(done).toBeGreaterThan(60);
  });
});
