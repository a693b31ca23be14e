import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSameEnd, findTruthRecordings, readTruth } from '../../src/evaluation/tracking-truth.js';
import { formatTruth } from '../../src/phantom/truth.js';

describe('recordings with truth', () => {
  const dir = mkdtempSync(join(tmpdir(), 'lumenmark-truth-'));
  const write = (path: string, text = ''): void => {
    mkdirSync(join(dir, path, '..'), { recursive: true });
    writeFileSync(join(dir, path), text);
  };
  beforeAll(() => {
    for (const seed of ['10', '9']) {
      write(`many/${seed}/video.mp4`);
      write(`many/${seed}/truth.ndjson`);
    }
    write('many/half/video.mp4');
    write('many/notes.txt');
    write('none/notes.txt');
  });
  afterAll(() => {
    rmSync(dir, { recursive: true });
  });

  it('are the folder itself, or the whole ones in it, in numeric order', async () => {
    expect((await findTruthRecordings(join(dir, 'many'))).map(({ name }) => name)).toEqual(['9', '10']);
    expect(await findTruthRecordings(join(dir, 'many', '9'))).toEqual([
      { name: '9', video: join(dir, 'many/9/video.mp4'), truth: join(dir, 'many/9/truth.ndjson') },
    ]);
  });

  it.each(['none', 'missing'])('are missing in %s, and the error says what makes them', async (name) => {
    await expect(findTruthRecordings(join(dir, name))).rejects.toMatchObject({
      name: 'UsageError',
      remedy: expect.stringContaining('phantom video') as string,
    });
  });

  it('are read as the phantom writes them', async () => {
    const pose = { positionMm: [0, 0, 0], forward: [0, 0, 1], up: [0, 1, 0] } as const;
    const frame = { frame: 0, tract: 'upper', site: 'stomach', visibility: 1, pose } as const;
    write(
      'truth.ndjson',
      formatTruth([
        { ...frame, ptsUs: 0, landmark: null, flags: [] },
        { ...frame, ptsUs: 250_000, landmark: 'antrum', flags: ['red-out'] },
      ]),
    );
    expect(await readTruth(join(dir, 'truth.ndjson'))).toEqual([
      { ptsUs: 0, landmark: null, flags: [] },
      { ptsUs: 250_000, landmark: 'antrum', flags: ['red-out'] },
    ]);
  });

  it('may begin with a byte-order mark', async () => {
    write('marked.ndjson', '\ufeff{"ptsUs": 0, "landmark": null}');
    expect(await readTruth(join(dir, 'marked.ndjson'))).toHaveLength(1);
  });

  it('end with the video that they are of', () => {
    const truth = [0, 10e6].map((ptsUs) => ({ ptsUs, landmark: null, flags: [] }));
    checkSameEnd('v', truth, 9.1e6, 0);
    checkSameEnd('v', truth, 10.9e6, 0);
    checkSameEnd('v', truth, 8.5e6, 0.5e6);
    expect(() => {
      checkSameEnd('v', truth, 5e6, 0);
    }).toThrow('v: the video ends at 5.0 s, its truth ends at 10.0 s');
    expect(() => {
      checkSameEnd('v', truth, 30e6, 0);
    }).toThrow(/ends at 30.0 s/);
    expect(() => {
      checkSameEnd('v', truth, null, 0);
    }).toThrow(/holds no frame/);
  });

  it.each([
    ['\n', /holds no line of truth/],
    ['{"ptsUs": 5, "landmark": null}\n{"ptsUs": 4, "landmark": null}', /frame 2 is at 4 µs/],
    ['{"ptsUs": 5, "landmark": null}\n{"ptsUs": 5, "landmark": null}', /frame 2 is at 5 µs/],
    ['{"ptsUs": 0, "landmark": null}\n{"ptsUs": ', /line 2: /],
    ['{"ptsUs": -1, "landmark": null}', /line 1: ptsUs/],
    ['\n{"ptsUs": 0}', /line 2: landmark/],
  ])('name the line that is wrong: %s', async (text, message) => {
    write('wrong.ndjson', text);
    await expect(readTruth(join(dir, 'wrong.ndjson'))).rejects.toThrow(message);
  });
});
