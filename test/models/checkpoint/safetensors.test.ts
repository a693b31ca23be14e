import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LumenmarkError } from '../../../src/common/errors.js';
import { seededRandom } from '../../../src/common/random.js';
import { openCheckpoint } from '../../../src/models/checkpoint/open.js';
import { openRandomAccess } from '../../../src/models/checkpoint/random-access.js';
import { readSafetensors, safetensorsChunks, type WritableTensor } from '../../../src/models/checkpoint/safetensors.js';
import { temporaryFolder } from '../../support/temporary.js';

const folder = temporaryFolder();
let count = 0;

function save(bytes: Uint8Array): string {
  const path = join(folder, `${String(count++)}.safetensors`);
  writeFileSync(path, bytes);
  return path;
}

const tensor = (name: string, shape: number[], values: number[]): WritableTensor => ({
  name,
  shape,
  read: () => Promise.resolve(Float32Array.from(values)),
});

async function write(tensors: readonly WritableTensor[], metadata: Record<string, string> = {}): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of safetensorsChunks(tensors, metadata)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

function withHeader(header: unknown, data = new Uint8Array()): Uint8Array {
  const text = Buffer.from(typeof header === 'string' ? header : JSON.stringify(header));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([length, text, data]);
}

describe('safetensors', () => {
  it('reads what it writes', async () => {
    const path = save(await write([tensor('b', [2, 2], [1, 2, 3, 4]), tensor('a', [], [5])], { format: 'pt' }));
    const file = await readSafetensors(await openRandomAccess(path));
    expect(file.metadata).toEqual({ format: 'pt' });
    expect([...file.tensors.keys()].sort()).toEqual(['a', 'b']);
    expect([...(await file.tensors.get('b')!.read())]).toEqual([1, 2, 3, 4]);
    expect(file.tensors.get('a')!.shape).toEqual([]);
    await file.close();
  });

  it('writes the same bytes whatever the order of the tensors', async () => {
    const [a, b] = [tensor('a', [1], [1]), tensor('b', [1], [2])];
    expect(await write([a, b], { x: '1', y: '2' })).toEqual(await write([b, a], { y: '2', x: '1' }));
  });

  it('reads half precision', async () => {
    const header = { h: { dtype: 'F16', shape: [2], data_offsets: [0, 4] }, b: { dtype: 'BF16', shape: [1], data_offsets: [4, 6] } };
    const file = await readSafetensors(
      await openRandomAccess(save(withHeader(header, new Uint8Array(Uint16Array.of(0x3c00, 0xbc00, 0x4040).buffer)))),
    );
    expect([...(await file.tensors.get('h')!.read()), ...(await file.tensors.get('b')!.read())]).toEqual([1, -1, 3]);
    await file.close();
  });

  it.each([
    ['a header that is no JSON', withHeader('{"a": ')],
    ['a header longer than the file', Buffer.from([255, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d])],
    ['a shape that does not fit its bytes', withHeader({ a: { dtype: 'F32', shape: [3], data_offsets: [0, 8] } }, new Uint8Array(8))],
    ['data beyond the end', withHeader({ a: { dtype: 'F32', shape: [2], data_offsets: [0, 8] } }, new Uint8Array(4))],
    ['bytes that belong to no tensor', withHeader({ a: { dtype: 'F32', shape: [1], data_offsets: [0, 4] } }, new Uint8Array(12))],
    ['an unknown type', withHeader({ a: { dtype: 'F4', shape: [1], data_offsets: [0, 4] } }, new Uint8Array(4))],
    ['a negative length', withHeader({ a: { dtype: 'F32', shape: [-1], data_offsets: [0, 4] } }, new Uint8Array(4))],
  ])('refuses %s', async (_, bytes) => {
    await expect(openCheckpoint(save(bytes))).rejects.toMatchObject({ code: 'checkpoint-damaged' });
  });

  it('survives damage of any kind', async () => {
    const random = seededRandom(7);
    const sound = await write([tensor('first', [2, 2], [1, 2, 3, 4]), tensor('second', [3], [1, 2, 3])]);
    let refused = 0;
    for (let round = 0; round < 1000; round++) {
      const bytes = new Uint8Array(random() < 0.2 ? sound.subarray(0, random() * sound.length) : sound);
      for (let change = 0; change < 3 && bytes.length > 0; change++) bytes[Math.floor(random() * bytes.length)] = random() * 256;
      try {
        await (await openCheckpoint(save(bytes))).close();
      } catch (error) {
        if (!(error instanceof LumenmarkError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(500);
  });
});
