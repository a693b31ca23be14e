import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { EvaluationReport } from '../../src/evaluation/report.js';
import { COLOURS, patches, temporaryFolder, write, writePictures } from '../retrieval/support.js';
import { temporaryFolder as sharedHome } from '../support/temporary.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const HOME = sharedHome();

function lumenmark(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    const options = { maxBuffer: 1 << 26, env: { ...process.env, LUMENMARK_HOME: HOME } };
    execFile(process.execPath, [MAIN, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

// Each command is a process of its own that loads a model.
describe('lumenmark evaluate', { timeout: 240_000 }, () => {
  it('evaluates a folder with everything that is wrong in it, compares the parts of the model, and writes a report', async () => {
    const folder = await temporaryFolder();
    const pictures = join(folder, 'pictures');
    await writePictures(pictures, 10);
    for (let at = 0; at < 60; at++) await write(join(pictures, 'cecum', `broken-${at}.jpg`), at % 2 === 0 ? '' : 'no picture');
    await write(join(pictures, 'loose.jpg'), await patches(COLOURS.cecum, 500));
    await write(join(pictures, 'A class of ours/only.jpg'), await patches([120, 120, 30], 501));
    await write(join(pictures, 'pylorus/copy.jpg'), await readFile(join(pictures, 'pylorus/003.jpg')));
    const report = join(folder, 'report');
    const done = await lumenmark('evaluate', '--dataset', pictures, '--folds', '3', '--ablation', '--report', report, '--json');
    expect(done).toMatchObject({ code: 0, stderr: '' });
    const found = JSON.parse(done.stdout) as EvaluationReport;
    expect(found).toMatchObject({ n: 30, queriesWithoutRelevantGallery: 1, overall: { 'recall@1': 1 }, vote: { k: 31, mcc: 1 } });
    expect(found.leftOut).toMatchObject({ unlabelled: ['loose.jpg'], copies: [{ path: 'pylorus/copy.jpg', of: 'pylorus/003.jpg' }] });
    expect(found.leftOut.unreadable).toHaveLength(60);
    expect(found.data).toMatchObject({ pictures: 31, unknownLabels: ['A class of ours'], singleLabels: ['A class of ours'] });
    expect(found.ablation?.rows.map(({ name }) => name)).toEqual([
      'descriptors',
      'structure alone',
      'colour alone',
      'lumen alone',
      'upright alone',
    ]);
    expect(found.indexes).toMatchObject({ recallAt10: 1 });
    expect(found.command).toContain(`--dataset ${pictures}`);
    expect(JSON.parse(await readFile(join(report, 'report.json'), 'utf8'))).toEqual(JSON.parse(done.stdout));
    expect(await readFile(join(report, 'report.html'), 'utf8')).toContain('How well are the right pictures found?');

    // The second time everything is at hand, the copy too.
    const again = JSON.parse((await lumenmark('evaluate', '--dataset', pictures, '--folds', '3', '--json')).stdout) as EvaluationReport;
    expect(again.timings.fromCache).toBe(32);
    expect(again.overall).toEqual(found.overall);
  });

  it('takes a split from a table, and a built gallery as it is', async () => {
    const folder = await temporaryFolder();
    const [pictures, queries, gallery] = [join(folder, 'pictures'), join(folder, 'queries'), join(folder, 'gallery')];
    await writePictures(pictures, 8);
    const rows = Object.keys(COLOURS).flatMap((label) =>
      Array.from({ length: 8 }, (_, at) => `${label}/00${at}.jpg,${at < 5 ? 'train' : at < 7 ? 'test' : ''},site ${at % 2}`),
    );
    await write(join(pictures, 'INDEX.csv'), `path,split,site\n${rows.join('\n')}\n`);
    const table = join(pictures, 'INDEX.csv');
    const split = await lumenmark('evaluate', '--dataset', pictures, '--split', table, '--group-column', 'site');
    expect(split).toMatchObject({ code: 0, stderr: '' });
    expect(split.stdout).toMatch(/split: column “split” of .*INDEX.csv; 24 pictures in 2 groups/);
    expect(split.stdout).toMatch(/n = 6 queries of 3 classes/);
    expect(split.stdout).toMatch(/3 pictures are in no part of the split/);

    await lumenmark('gallery', 'build', pictures, '--out', gallery);
    await write(join(queries, 'cecum/new.jpg'), await patches(COLOURS.cecum, 900));
    await write(join(queries, 'cecum/again.jpg'), await readFile(join(pictures, 'cecum/002.jpg')));
    await write(join(queries, 'pylorus/new.jpg'), await patches(COLOURS.pylorus, 901));
    await write(join(queries, 'antrum/new.jpg'), await patches([20, 200, 200], 902));
    const asked = await lumenmark('evaluate', '--gallery', gallery, '--query', queries, '--json');
    const found = JSON.parse(asked.stdout) as EvaluationReport;
    expect(found).toMatchObject({ n: 3, queriesWithoutRelevantGallery: 1, overall: { 'recall@1': 1 }, withoutLookAlikes: { removed: 1 } });
  });

  it('names what does not fit, and exits with 2', async () => {
    const folder = await temporaryFolder();
    await write(join(folder, 'cecum/a.jpg'), await patches(COLOURS.cecum, 1));
    await write(join(folder, 'cecum/patient-7-aa.jpg'), await patches(COLOURS.cecum, 2));
    await write(join(folder, 'INDEX.csv'), 'file,class\ncecum/a.jpg,cecum\n');
    const cases: [string[], RegExp][] = [
      [['--dataset', folder, '--group-column', 'patient'], /INDEX.csv: has no column of that name \(patient\)\n +It has “file”, “class”/],
      [['--dataset', folder, '--split', join(folder, 'INDEX.csv')], /has no column of parts/],
      [['--dataset', folder, '--dataset-name', 'gastrohun'], /holds no image_classification.csv/],
      [['--dataset', folder, '--folds', '1'], /whole number from 2 on/],
      [['--dataset', folder, '--gallery', folder, '--query', folder], /2 things to evaluate were named/],
      [['--dataset', folder, '--group-pattern', '(a|b)'], /all pictures hold together as one group.*\n +Name what parts them/],
      [['--dataset', folder, '--dataset-name', 'imagenet'], /Allowed choices are gastrohun, hyperkvasir/],
      [['--dataset', folder, '--report', join(folder, 'cecum/a.jpg/report')], /cannot be made/],
    ];
    for (const [args, message] of cases) {
      const outcome = await lumenmark('evaluate', ...args);
      expect(outcome.stderr, args.join(' ')).toMatch(message);
      expect(outcome.code, args.join(' ')).toBe(2);
      expect(outcome.stderr, args.join(' ')).not.toContain('    at ');
    }
  });
});
