import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { fileFaultOf } from '../../src/common/file-fault.js';
import { temporaryFolder } from '../support/temporary.js';

const folder = temporaryFolder();
const errorOf = (work: Promise<unknown>): Promise<unknown> => work.catch((error: unknown) => error);

describe('fileFaultOf', () => {
  it('says what stands in the way, and the way out', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    expect(fileFaultOf(await errorOf(mkdir(join(file, 'below'), { recursive: true })))).toEqual({
      message: `${join(file, 'below')}: a file stands where a folder is needed`,
      remedy: 'Name another place.',
    });
    expect(fileFaultOf(await errorOf(mkdir('')))?.message).toBe('"": there is no such file or folder');
  });

  it('names where a file was to go, not where it came from', async () => {
    await writeFile(join(folder, 'from'), '');
    await mkdir(join(folder, 'to'));
    expect(fileFaultOf(await errorOf(rename(join(folder, 'from'), join(folder, 'to'))))?.message).toMatch(/to: a folder stands/);
  });

  it('says so where no path is known', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC', syscall: 'write' });
    expect(fileFaultOf(full)?.message).toBe('The file system refused: the disk is full');
  });

  it('leaves alone what is no error of the file system', () => {
    for (const error of [new TypeError('x'), 'text', null, Object.assign(new Error('x'), { code: 'ENOENT' })])
      expect(fileFaultOf(error)).toBeNull();
  });
});
