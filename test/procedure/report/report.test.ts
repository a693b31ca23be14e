import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { writeReport } from '../../../src/procedure/report/write-report.js';
import { loadChecklist } from '../../../src/tracking/checklist.js';
import { patches } from '../../retrieval/support.js';
import { newProcedure, testKey, writeTestProcedure } from '../../support/procedures.js';
import { temporaryFolder } from '../../support/temporary.js';

const home = temporaryFolder();

describe('the report of a recorded procedure', () => {
  it('tells sites, timers, timeline, marks and proof, escaped, and without any name where none was given', async () => {
    const writer = await writeTestProcedure(home, { procedure: { label: null } });
    const by = 'Dr <b>Example</b>';
    await writer.append({ type: 'site-set', by, site: 'angulus', state: 'seen', reason: 'seen on the other screen' });
    await writer.append({ type: 'pause', by, reason: 'biopsy', ptsUs: 1_500_000 });
    await writer.append({ type: 'resume', by, ptsUs: 2_500_000 });
    await writer.addStill({
      ...{ jpeg: await patches([190, 90, 80], 1), type: 'still-kept', site: 'antrum', landmark: 'antrum' },
      ...{ frameId: 6, ptsUs: 1_200_000, quality: 0.99 },
    });
    await writer.append({ type: 'timers', totalMs: 65_000, inspectionMs: 61_000, withdrawalMs: null });
    const { folder, headHash } = await writer.close();
    const { report, files } = await writeReport(folder, { ownKey: testKey().publicKey });
    expect(files).toHaveLength(3);
    const states = Object.fromEntries(report.sites.map(({ id, state }) => [id, state]));
    expect(states).toMatchObject({ antrum: 'documented', angulus: 'seen', 'duodenal-bulb': 'unsupported' });
    expect(report.sites.find(({ id }) => id === 'angulus')?.setBy).toMatchObject({ by, reason: 'seen on the other screen' });
    expect(report).toMatchObject({
      label: null,
      timers: { totalMs: 65_000 },
      verification: { verdict: 'intact', headHash, key: { owner: 'own' } },
    });

    const html = await readFile(join(folder, 'report.html'), 'utf8');
    expect(html).toContain('Dr &lt;b>Example');
    expect(html).toContain(`<h1>Procedure ${report.id}</h1>`);
    for (const words of [
      '1:05',
      '1:01',
      headHash,
      'Interventions',
      'intervention begins: biopsy',
      'Simulated procedure',
      'of this installation',
    ]) {
      expect(html, words).toContain(words);
    }
    // A still that is no picture is said to be missing, not shown broken.
    expect(html).toMatch(/src="data:image\/jpeg/);
    expect(html).toMatch(/stills\/z-line-1\.jpg is missing/);
    const csv = await readFile(join(folder, 'report.csv'), 'utf8');
    expect(csv.trim().split('\r\n')).toHaveLength(1 + report.sites.length);
  });

  it('takes the timers of what was interrupted from its detections, and says that it is unfinished', async () => {
    const writer = await writeTestProcedure(home, {
      frames: 50,
      procedure: newProcedure({ checklist: loadChecklist('colonoscopy'), label: 'room 2' }),
    });
    await writer.abandon();
    const { report } = await writeReport(writer.folder);
    expect(report).toMatchObject({
      state: 'open',
      label: 'room 2',
      timers: { totalMs: 49 * 200 },
      verification: { verdict: 'unfinished' },
    });
    expect(await readFile(join(writer.folder, 'report.html'), 'utf8')).toMatch(/Not closed/);
  });

  it('is made of an altered folder too, and says so first', async () => {
    const { folder } = await (await writeTestProcedure(home)).close();
    await appendFile(join(folder, 'detections.ndjson'), '{"no":"detection"}\n');
    const { report } = await writeReport(folder);
    expect(report.verification.verdict).toBe('altered');
    expect(await readFile(join(folder, 'report.html'), 'utf8')).toMatch(/altered after it was sealed/);
  });
});
