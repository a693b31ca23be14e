import { mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unzip } from '../../src/common/unzip.js';
import { writeZip } from '../../src/common/zip.js';
import { temporaryFolder } from '../support/temporary.js';

const folder = temporaryFolder();

describe('an archive', () => {
  it('gives back what was put in', async () => {
    const [text, video] = [join(folder, 'a.ndjson'), join(folder, 'v.mp4')];
    writeFileSync(text, '{"a":1}\n'.repeat(1000));
    writeFileSync(video, Buffer.alloc(5000, 9));
    const archive = join(folder, 'whole.zip');
    await writeZip(archive, [
      { path: 'P/Ä.ndjson', file: text, compress: true },
      { path: 'P/stills/v.mp4', file: video, compress: false },
    ]);
    const out = join(folder, 'out');
    mkdirSync(out);
    expect(await unzip(archive, out, { wanted: () => true, maxEntryBytes: 1e6 })).toEqual({ unpacked: 2, damaged: [] });
    expect(readFileSync(join(out, 'P', 'Ä.ndjson'))).toEqual(readFileSync(text));
    expect(readFileSync(join(out, 'P', 'stills', 'v.mp4'))).toEqual(readFileSync(video));
    expect(statSync(archive).size).toBeLessThan(7000);
    await expect(writeZip(archive, [])).rejects.toThrow('EEXIST');
  });

  it('is not made of a file that cannot be read', async () => {
    const missing = [{ path: 'x', file: join(folder, 'missing'), compress: true }];
    await expect(writeZip(join(folder, 'none.zip'), missing)).rejects.toThrow('ENOENT');
  });
});
