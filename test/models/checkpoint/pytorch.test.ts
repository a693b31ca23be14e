import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { LumenmarkError } from '../../../src/common/errors.js';
import { seededRandom } from '../../../src/common/random.js';
import { openCheckpoint } from '../../../src/models/checkpoint/open.js';
import { isMap, isTensor, type CheckpointValue } from '../../../src/models/checkpoint/tensor.js';
import { temporaryFolder } from '../../support/temporary.js';
import { torchFile, torchTensor, type PickleValue, type TorchFileOptions } from '../../support/torch-file.js';

const folder = temporaryFolder();
let count = 0;

function save(bytes: Uint8Array): string {
  const path = join(folder, `${String(count++)}.pth`);
  writeFileSync(path, bytes);
  return path;
}

async function valuesOf(root: PickleValue, options: TorchFileOptions = {}): Promise<Record<string, number[]>> {
  const file = await openCheckpoint(save(torchFile(root, options)));
  try {
    const found: Record<string, number[]> = {};
    for (const [key, value] of mapOf(file.root)) if (isTensor(value)) found[String(key)] = [...(await value.read())];
    return found;
  } finally {
    await file.close();
  }
}

function mapOf(value: CheckpointValue): ReadonlyMap<unknown, CheckpointValue> {
  if (!isMap(value)) throw new Error('not a map');
  return value;
}

const raw = (...parts: (string | number[])[]): PickleValue => ({
  kind: 'raw',
  bytes: Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part) : Buffer.from(part)))),
});
const open = (bytes: Uint8Array): Promise<unknown> => openCheckpoint(save(bytes)).then((file) => file.close());

describe('PyTorch checkpoints', () => {
  it('reads every element type', async () => {
    const found = await valuesOf(
      new Map<string, PickleValue>([
        ['float', torchTensor([2], Float32Array.of(1.5, -2))],
        ['half', torchTensor([3], Uint16Array.of(0x3c00, 0xc100, 0x0001), 'Half')],
        ['bfloat', torchTensor([2], Uint16Array.of(0x3f80, 0xc020), 'BFloat16')],
        ['double', torchTensor([1], Float64Array.of(0.1), 'Double')],
        ['long', torchTensor([2], BigInt64Array.of(7n, -9n), 'Long')],
        ['int', torchTensor([1], Int32Array.of(-5), 'Int')],
        ['byte', torchTensor([1], Uint8Array.of(200), 'Byte')],
        ['bool', torchTensor([2], Uint8Array.of(1, 0), 'Bool')],
        ['scalar', torchTensor([], BigInt64Array.of(3n), 'Long')],
        ['empty', torchTensor([0, 4], Float32Array.of(), 'Float')],
      ]),
    );
    expect(found).toEqual({
      float: [1.5, -2],
      half: [1, -2.5, 2 ** -24],
      bfloat: [1, -2.5],
      double: [Math.fround(0.1)],
      long: [7, -9],
      int: [-5],
      byte: [200],
      bool: [1, 0],
      scalar: [3],
      empty: [],
    });
  });

  it('reads strided and shared storages', async () => {
    const storage = new Uint8Array(Float32Array.of(0, 1, 2, 3, 4, 5).buffer);
    const view = (shape: number[], strides: number[], offset = 0): PickleValue => ({
      kind: 'tensor',
      type: 'Float',
      storage,
      shape,
      strides,
      offset,
    });
    const found = await valuesOf(
      new Map([
        ['whole', view([2, 3], [3, 1])],
        ['transposed', view([3, 2], [1, 3])],
        ['column', view([2], [3], 1)],
        ['expanded', view([2, 3], [0, 1], 3)],
      ]),
    );
    expect(found).toEqual({ whole: [0, 1, 2, 3, 4, 5], transposed: [0, 3, 1, 4, 2, 5], column: [1, 4], expanded: [3, 4, 5, 3, 4, 5] });
  });

  it('reads zip64 archives', async () => {
    expect(await valuesOf(new Map([['x', torchTensor([2], Float32Array.of(1, 2))]]), { zip64: true })).toEqual({ x: [1, 2] });
  });

  it.each([
    ['os.system', raw('cos\nsystem\n', [0x58, 2, 0, 0, 0], 'id', [0x85], 'R')],
    ['builtins.eval', raw([0x8c, 8], 'builtins', [0x8c, 4], 'eval', [0x93])],
    ['argparse.Namespace', raw('cargparse\nNamespace\n)', [0x81])],
    ['numpy._core.multiarray.scalar', raw('cnumpy._core.multiarray\nscalar\n')],
    ['torch.storage._load_from_bytes', raw('ctorch.storage\n_load_from_bytes\n')],
    ['torch.__builtins__', raw('ctorch\n__builtins__\n')],
    ['opcode 0x69', raw('(ios\nsystem\n')],
    ['opcode 0x6f', raw('(o')],
    ['a call of torch.FloatStorage', raw('ctorch\nFloatStorage\n)R')],
    ['a class with a state', raw(']}b')],
  ])('refuses %s by name', async (name, evil) => {
    const refused = await open(torchFile(new Map([['x', evil]]))).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: 'checkpoint-unsafe' });
    expect((refused as Error).message).toContain(name);
  });

  it('does not multiply containers that are referred to many times', async () => {
    // Sixty nested lists, each of the one before twice: 2^60 leaves if they were copied.
    const steps = Array.from({ length: 60 }, (_, index) => Buffer.from([0x71, index, 0x30, 0x5d, 0x28, 0x68, index, 0x68, index, 0x65]));
    const bomb = raw(']', [...Buffer.concat(steps)]);
    await expect(open(torchFile(new Map([['x', bomb]])))).resolves.toBeUndefined();
  });

  it.each([
    [
      'a tensor beyond its storage',
      new Map([['x', { ...torchTensor([4], Float32Array.of(1, 2)), shape: [4], strides: [1] }]]),
      {},
      'checkpoint-damaged',
    ],
    ['a compressed entry', new Map([['x', torchTensor([1], Float32Array.of(1))]]), { method: 8 }, 'checkpoint-compressed'],
    ['TorchScript', new Map<string, PickleValue>(), { entries: { 'constants.pkl': Uint8Array.of(1) } }, 'checkpoint-torchscript'],
    ['big-endian data', new Map<string, PickleValue>(), { entries: { byteorder: Buffer.from('big') } }, 'checkpoint-big-endian'],
  ])('refuses %s', async (_, root, options, code) => {
    await expect(open(torchFile(root, options))).rejects.toMatchObject({ code });
  });

  it.each([
    ['the format before PyTorch 1.6', Uint8Array.of(0x80, 2, 0x8a, 0x0a, 0x6c, 0xfc, 0x9c, 0x46, 0xf9), 'checkpoint-legacy'],
    ['an empty file', new Uint8Array(), 'checkpoint-unknown'],
    ['an error page', Buffer.from('<!DOCTYPE html><title>404</title>'), 'checkpoint-unknown'],
    ['a zip that is no checkpoint', Buffer.from(torchFile(new Map(), { folder: 'a/b' })), 'checkpoint-damaged'],
  ])('refuses %s with a remedy', async (_, bytes, code) => {
    const refused = await open(bytes).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code });
    expect((refused as LumenmarkError).remedy).toBeTruthy();
  });

  it('says when a file is missing', async () => {
    await expect(openCheckpoint(join(folder, 'absent.pth'))).rejects.toMatchObject({ code: 'checkpoint-unreadable' });
  });

  it('survives damage of any kind: it reads or it refuses, always with a named error', async () => {
    const random = seededRandom(42);
    const sound = torchFile(
      new Map<string, PickleValue>([
        ['a', torchTensor([3, 2], new Float32Array(6))],
        ['nested', new Map([['b', torchTensor([2], Float32Array.of(1, 2))]])],
        ['epoch', 3],
      ]),
    );
    let refused = 0;
    for (let round = 0; round < 1500; round++) {
      const bytes = damage(sound, random);
      try {
        const file = await openCheckpoint(save(bytes));
        for (const [, value] of isMap(file.root) ? file.root : []) if (isTensor(value)) await value.read().catch(named);
        await file.close();
      } catch (error) {
        named(error);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(300);
  });
});

function named(error: unknown): void {
  if (!(error instanceof LumenmarkError)) throw error;
}

/** Cuts, flips, overwrites or repeats a piece. */
function damage(sound: Uint8Array, random: () => number): Uint8Array {
  const bytes = new Uint8Array(sound);
  const place = Math.floor(random() * bytes.length);
  const kind = random();
  if (kind < 0.2) return bytes.subarray(0, place);
  if (kind < 0.8) {
    for (let change = 0; change < 1 + random() * 4; change++) bytes[Math.floor(random() * bytes.length)] = random() * 256;
    return bytes;
  }
  return Buffer.concat([bytes.subarray(0, place), bytes.subarray(Math.floor(random() * place))]);
}
