import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../../src/common/random.js';
import { writeReport } from '../../../src/procedure/report/write-report.js';
import { openProcedureWriter } from '../../../src/procedure/writer.js';
import { loadChecklist } from '../../../src/tracking/checklist.js';
import { patches } from '../../retrieval/support.js';
import { newProcedure, testDetection, testKey, testSighting, writeTestProcedure } from '../../support/procedures.js';
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

  it('counts from the beginning of the procedure, wherever the clock of its source stood', async () => {
    const startPtsUs = 600_000_000;
    const writer = await openProcedureWriter(home, { procedure: newProcedure(), key: testKey() });
    const random = seededRandom(1);
    for (let frameId = 0; frameId < 20; frameId++) {
      const detection = testDetection(frameId, random);
      void writer.writeDetection({ ...detection, ptsUs: startPtsUs + detection.ptsUs });
    }
    const sighting = testSighting(1, 'antrum', 5, 10);
    const later = (us: number): number => startPtsUs + us;
    await writer.append({
      type: 'sighting-closed',
      sighting: { ...sighting, startPtsUs: later(sighting.startPtsUs), endPtsUs: later(sighting.endPtsUs) },
      reason: 'faded',
    });
    await writer.append({ type: 'note', by: 'Dr Example', text: 'polyp', ptsUs: later(65_000_000) });
    await writer.append({ type: 'site-set', by: 'Dr Example', site: 'angulus', state: 'unseen', reason: 'blood' });
    const { folder } = await writer.close();
    const { report } = await writeReport(folder);
    expect(report.startPtsUs).toBe(startPtsUs);
    // The mark tells no time of the source: it lies behind the note by what passed on the clock of the machine.
    const mark = report.events.find(({ type }) => type === 'site-set');
    expect(mark?.text).toBe('Angulus in partial inversion set to not seen: blood');
    expect(mark?.ptsUs).toBeGreaterThanOrEqual(later(65_000_000));
    expect(mark?.ptsUs).toBeLessThan(later(80_000_000));
    const html = await readFile(join(folder, 'report.html'), 'utf8');
    expect(html).toContain('<td>1:05</td>');
    expect(html).toContain('0:01 – 0:03, confidence');
    expect(html).not.toMatch(/>1[01]:\d\d</);
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
