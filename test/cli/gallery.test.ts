import { execFile } from 'node:child_process';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { GalleryReport } from '../../src/retrieval/build-gallery.js';
import { COLOURS, patches, temporaryFolder, write, writePictures } from '../retrieval/support.js';
import { temporaryFolder as sharedHome } from '../support/temporary.js';

const MAIN = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

const HOME = sharedHome();

function lumenmark(...args: string[]): Promise<Outcome> {
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      [MAIN, ...args],
      { maxBuffer: 1 << 26, env: { ...process.env, LUMENMARK_HOME: HOME } },
      (error, stdout, stderr) => {
        resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
      },
    );
  });
}

// Each command is a process of its own that loads a model.
describe('lumenmark gallery, search and evaluate', { timeout: 240_000 }, () => {
  it('goes from a folder of pictures to an answer, with the built-in model', async () => {
    const folder = await temporaryFolder();
    const [pictures, gallery] = [join(folder, 'pictures'), join(folder, 'gallery')];
    await writePictures(pictures, 10);
    await write(join(pictures, 'cecum/broken.jpg'), 'no picture');

    const built = await lumenmark('gallery', 'build', pictures, '--out', gallery, '--json');
    expect(built).toMatchObject({ code: 0, stderr: '' });
    const report = JSON.parse(built.stdout) as GalleryReport;
    expect(report.manifest).toMatchObject({ name: 'gallery', exemplars: 30, model: { name: 'descriptors', fitted: true } });
    expect(report.unreadable).toHaveLength(1);

    // The pictures are embedded already, and a gallery from the cache is the same gallery.
    const again = await lumenmark('gallery', 'build', pictures, '--out', `${gallery}-again`, '--json');
    const rebuilt = JSON.parse(again.stdout) as GalleryReport;
    expect([report.cached, rebuilt.cached]).toEqual([0, 30]);
    for (const file of ['embeddings.f32', 'exemplars.ndjson', 'statistics.bin'])
      expect(rebuilt.manifest.files[file], file).toEqual(report.manifest.files[file]);

    const info = await lumenmark('gallery', 'info', gallery);
    expect(info.stdout).toMatch(/30 exemplars, descriptors/);
    expect(info.stdout).toMatch(/10 {2}z-line +landmark +Z-line/);

    const verified = await lumenmark('gallery', 'verify', gallery);
    expect(verified).toMatchObject({ code: 0 });
    expect(verified.stdout).not.toContain('FAILED');

    const query = join(folder, 'query.png');
    await write(query, await patches(COLOURS.pylorus, 77));
    const found = await lumenmark('search', query, join(folder, 'nowhere.jpg'), '--gallery', gallery, '-k', '4', '--json');
    const [answer, missing] = found.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(answer).toMatchObject({ path: query, scores: { 0: { label: 'pylorus' } }, neighbours: { length: 4 } });
    expect(missing).toMatchObject({ error: 'no such picture' });
    expect(found.code).toBe(1);

    const added = await lumenmark('gallery', 'add', gallery, query, '--label', 'pylorus');
    expect(added).toMatchObject({ code: 0, stdout: `${gallery}: 1 added, 31 exemplars of 3 classes now.\n` });
    expect(await lumenmark('gallery', 'add', gallery, query)).toMatchObject({ code: 2 });
    const map = join(folder, 'map.html');
    expect(await lumenmark('gallery', 'map', gallery, '--out', map)).toMatchObject({ code: 0 });
    expect(await readFile(map, 'utf8')).toContain('Map of 31 exemplars');

    // The graph must give what the gallery was projected to: an exemplar finds itself.
    const itself = await lumenmark('search', join(pictures, 'cecum/003.jpg'), '--gallery', gallery, '--json');
    type Found = { neighbours: { path: string; label: string; similarity: number }[]; confidence: number; scores: object[] };
    const { neighbours, confidence, scores } = JSON.parse(itself.stdout) as Found;
    expect(neighbours[0]?.path).toBe('cecum/003.jpg');
    expect(neighbours[0]?.similarity).toBeGreaterThan(0.9999);

    // How many are shown, and of which label, changes nothing about the answer.
    const few = await lumenmark('search', join(pictures, 'cecum/003.jpg'), '--gallery', gallery, '-k', '2', '--label', 'z-line', '--json');
    expect(JSON.parse(few.stdout)).toMatchObject({ confidence, scores, neighbours: [{ label: 'z-line' }, { label: 'z-line' }] });

    await rm(join(gallery, 'thumbnails/0/7.jpg'));
    const damaged = await lumenmark('gallery', 'verify', gallery);
    expect(damaged).toMatchObject({ code: 1 });
    expect(damaged.stdout).toContain('FAILED  thumbnails: 1 of 31 are missing');

    const evaluated = await lumenmark('evaluate', '--dataset', pictures, '--folds', '3', '--json');
    expect(evaluated.code).toBe(0);
    expect(JSON.parse(evaluated.stdout)).toMatchObject({ n: 30, overall: { 'recall@1': 1 }, perClass: { cecum: { n: 10 } } });
  });

  it('names the thing, the cause and the remedy, and exits with 1 or, for wrong usage, 2', async () => {
    const folder = await temporaryFolder();
    await write(join(folder, 'one/cecum/a.jpg'), await patches(COLOURS.cecum, 1));
    const out = join(folder, 'out');
    const cases: [string[], number, RegExp][] = [
      [['gallery', 'build', join(folder, 'nowhere'), '--out', out], 1, /nowhere: cannot be listed.*\n +Name a folder/],
      [['gallery', 'build', join(folder, 'one'), '--out', out], 1, /holds only one label, cecum/],
      [
        ['gallery', 'build', join(folder, 'one'), '--out', join(folder, 'one')],
        1,
        /is no gallery, so it is not overwritten|only one label/,
      ],
      [['gallery', 'build', join(folder, 'one'), '--out', out, '--field-of-view', 'round'], 2, /neither auto, none nor WxH\+X\+Y/],
      [['gallery', 'build', join(folder, 'one'), '--out', out, '--index', 'fast'], 2, /Allowed choices are auto, exact, hnsw/],
      [['gallery', 'build', join(folder, 'one'), '--out', out, '--model', 'unheard-of'], 1, /unheard-of/],
      [['gallery', 'info', join(folder, 'one')], 1, /is no gallery/],
      [['search', 'x.jpg', '--gallery', join(folder, 'one')], 1, /is no gallery/],
      [['evaluate'], 2, /nothing to evaluate was named/],
    ];
    for (const [args, code, message] of cases) {
      const outcome = await lumenmark(...args);
      expect(outcome.stderr, args.join(' ')).toMatch(message);
      expect(outcome.code, args.join(' ')).toBe(code);
      expect(outcome.stderr, args.join(' ')).not.toContain('    at ');
    }
    expect(await readdir(folder)).toEqual(['one']);
  });

  it('evaluates embeddings of other software, and refuses what does not fit', async () => {
    const folder = await temporaryFolder();
    const file = (name: string): string => join(folder, name);
    await writeFile(file('g.f32'), new Uint8Array(new Float32Array([1, 0, 0, 2, 0.6, 0.8]).buffer));
    await writeFile(file('q.f32'), new Uint8Array(new Float32Array([0.9, 0.1]).buffer));
    await writeFile(file('labels.json'), JSON.stringify({ galleryLabels: [0, 1, 1], queryLabels: [0] }));
    const args = [
      'evaluate',
      '--gallery-embeddings',
      file('g.f32'),
      '--query-embeddings',
      file('q.f32'),
      '--labels',
      file('labels.json'),
      '--json',
    ];
    const good = await lumenmark(...args, '--dim', '2');
    expect(JSON.parse(good.stdout)).toMatchObject({ n: 1, overall: { 'recall@1': 1, mAP: 1 } });
    expect(await lumenmark(...args, '--dim', '3')).toMatchObject({ code: 2, stderr: expect.stringContaining('not 3 rows of 3') as string });
    await writeFile(file('q.f32'), new Uint8Array(new Float32Array([NaN, 1]).buffer));
    expect(await lumenmark(...args, '--dim', '2')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('row 0 is zero or not finite') as string,
    });
  });
});
