import { appendFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { readGrowing } from '../../src/media/growing-file.js';
import { temporaryFolder } from '../support/temporary.js';

const folder = temporaryFolder();

async function textOf(pieces: AsyncIterable<Uint8Array>, heard: (text: string) => void = () => undefined): Promise<string> {
  let text = '';
  for await (const piece of pieces) {
    text += Buffer.from(piece).toString();
    heard(text);
  }
  return text;
}

describe('readGrowing', () => {
  it('waits at the end for what is appended, until the file is complete', async () => {
    const path = join(folder, 'growing');
    writeFileSync(path, 'one ');
    let complete: () => void = () => undefined;
    const completed = new Promise<void>((resolve) => (complete = resolve));
    let appended = 0;
    const reading = textOf(readGrowing(path, completed), (text) => {
      // Each piece is written only when the one before it was read.
      if (text.endsWith('one ') && appended === 0)
        setTimeout(() => {
          appendFileSync(path, `two ${String(++appended)}`);
        }, 50);
      if (text.endsWith('two 1')) {
        appendFileSync(path, ' three');
        complete();
      }
    });
    expect(await reading).toBe('one two 1 three');
  });

  it('goes on with the file that it opened when another takes its place', async () => {
    const path = join(folder, 'replaced');
    writeFileSync(path, 'old');
    const pieces = readGrowing(path, sleep(100));
    const first = await pieces.next();
    writeFileSync(`${path}.new`, 'another one');
    renameSync(`${path}.new`, path);
    expect(Buffer.from(first.value as Uint8Array).toString() + (await textOf(pieces))).toBe('old');
  });

  it('throws of a file that is not there', async () => {
    await expect(textOf(readGrowing(join(folder, 'absent'), Promise.resolve()))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});
