import { mkdtemp, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { InferenceSession } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ModelError } from '../../src/common/errors.js';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { linear } from '../../src/onnx/composites.js';
import { decodeModel } from '../../src/onnx/decode.js';
import { encodeModel } from '../../src/onnx/encode.js';
import { readModel, writeModel } from '../../src/onnx/file.js';
import type { Attribute, OnnxModel } from '../../src/onnx/graph.js';
import * as ops from '../../src/onnx/ops.js';
import { MessageWriter, joinChunks } from '../../src/onnx/protobuf.js';
import { numbers, run } from './support/run.js';

function sample(): OnnxModel {
  const graph = new GraphBuilder({ name: 'sample' });
  const x = graph.input('x', 'float32', ['N', 6]);
  const weight = graph.constant('weight', 'float32', [6, 400], numbers(2400));
  const hidden = ops.relu(linear(x, weight, null));
  graph.output('y', ops.clip(ops.reduceMax(hidden, [1]), null, 3));
  graph.metadata('recipe', 'test');
  return graph.model();
}

/** A model file around an encoded graph. */
function fileOf(graph: MessageWriter): Uint8Array<ArrayBuffer> {
  const opset = new MessageWriter().string(1, '').int(2, 18);
  return joinChunks(new MessageWriter().int(1, 8).message(7, graph).message(8, opset).chunks());
}

/** Every kind of attribute, to be carried through a file. */
const ATTRIBUTES: Record<string, Attribute> = {
  int: { kind: 'int', value: -7 },
  largest: { kind: 'int', value: 2 ** 63 },
  float: { kind: 'float', value: 0.5 },
  string: { kind: 'string', value: 'réflexe' },
  ints: { kind: 'ints', value: [1, -2, 2 ** 40] },
  floats: { kind: 'floats', value: [0.25, -1] },
  strings: { kind: 'strings', value: ['a', ''] },
  tensor: { kind: 'tensor', value: { name: 't', type: 'int8', shape: [2], data: Uint8Array.of(1, 255) } },
};

describe('decodeModel', () => {
  it('reads back what encodeModel writes, byte for byte', () => {
    const model = sample();
    const bytes = encodeModel(model);
    const read = decodeModel(bytes);
    expect(read.opsets).toEqual(model.opsets);
    expect(read.metadata).toEqual(model.metadata);
    expect(read.graph).toEqual(model.graph);
    expect(encodeModel(read)).toEqual(bytes);
  });

  it('carries every kind of attribute, graphs in attributes included', () => {
    const inner = sample().graph;
    const node = {
      name: 'n',
      opType: 'Made',
      domain: 'test',
      inputs: ['x', '', 'x'],
      outputs: ['z'],
      attributes: { ...ATTRIBUTES, graph: { kind: 'graph', value: inner } as const },
    };
    const model: OnnxModel = { ...sample(), graph: { ...inner, nodes: [node] } };
    expect(decodeModel(encodeModel(model)).graph.nodes).toEqual([node]);
  });

  it('keeps what it has no place for', () => {
    const extra = joinChunks(new MessageWriter().string(25, 'a function').chunks());
    const inGraph = joinChunks(new MessageWriter().string(14, 'an annotation').chunks());
    const model = { ...sample(), opaque: [extra], graph: { ...sample().graph, opaque: [inGraph] } };
    const read = decodeModel(encodeModel(model));
    expect(read.opaque).toEqual([extra]);
    expect(read.graph.opaque).toEqual([inGraph]);
    expect(() => new GraphBuilder().merge(read, {}, 'a/')).toThrow(/cannot be joined/);
  });

  it('reads weights that stand in typed fields instead of raw data', () => {
    const tensor = (name: string, code: number, field: number, values: readonly number[], floats = false): MessageWriter => {
      const message = new MessageWriter().packedInts(1, [values.length]).int(2, code).string(8, name);
      return floats ? message.packedFloats(field, values) : message.packedInts(field, values);
    };
    const graph = new MessageWriter()
      .message(5, tensor('f', 1, 4, [1.5, -2], true))
      .message(5, tensor('i8', 3, 5, [-1, 5]))
      .message(5, tensor('half', 10, 5, [0x3c00]))
      .message(5, tensor('i64', 7, 7, [-(2 ** 40)]))
      .message(5, tensor('u64', 13, 11, [9]));
    const { initializers } = decodeModel(fileOf(graph)).graph;
    expect([...(initializers.get('i8')?.data ?? [])]).toEqual([255, 5]);
    expect([...(initializers.get('half')?.data ?? [])]).toEqual([0, 0x3c]);
    const bytes = (name: string): ArrayBuffer => new Uint8Array(initializers.get(name)?.data ?? []).buffer;
    expect([...new Float32Array(bytes('f'))]).toEqual([1.5, -2]);
    expect([...new BigInt64Array(bytes('i64'))]).toEqual([-(2n ** 40n)]);
    expect([...new BigInt64Array(bytes('u64'))]).toEqual([9n]);
  });

  it('answers every truncated or mutated file with a graph or a ModelError', () => {
    const bytes = encodeModel(sample());
    const survives = (damaged: Uint8Array): void => {
      try {
        decodeModel(damaged);
      } catch (error) {
        expect(error).toBeInstanceOf(ModelError);
      }
    };
    // The last field says what the recipe is; everything before it is needed.
    const needed = encodeModel({ ...sample(), metadata: new Map() }).length;
    for (let length = 0; length < needed; length += length < needed - 200 ? 7 : 1) {
      expect(() => decodeModel(bytes.subarray(0, length)), `cut to ${String(length)} bytes`).toThrow(ModelError);
    }
    const random = numbers(12_000, 99);
    for (let round = 0; round < 3000; round++) {
      const damaged = bytes.slice();
      for (let flip = 0; flip < 1 + (round % 3); flip++) {
        // Mostly in the structure at both ends, not in the weights between.
        const place = Math.abs(random[round * 4 + flip] ?? 0);
        const at = round % 2 === 0 ? Math.floor(place * 600) : bytes.length - 1 - Math.floor(place * 600);
        damaged[at] = Math.floor(Math.abs(random[round * 4 + 3] ?? 0) * 256);
      }
      survives(damaged);
    }
  });

  it('refuses graphs nested beyond all measure', () => {
    let graph = new MessageWriter().string(2, 'innermost');
    for (let depth = 0; depth < 5000; depth++) {
      const attribute = new MessageWriter().string(1, 'body').message(6, graph).int(20, 5);
      graph = new MessageWriter().message(1, new MessageWriter().string(4, 'Loop').message(5, attribute));
    }
    expect(() => decodeModel(fileOf(graph))).toThrow(/nested too deeply/);
  });
});

describe('writeModel and readModel', () => {
  let folder = '';
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'lumenmark-onnx-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('keeps large weights in a second file that onnxruntime finds too', async () => {
    const path = join(folder, 'external.onnx');
    const model = sample();
    writeModel(path, model, { externalData: true });
    const read = await readModel(path);
    expect(read.graph.initializers).toEqual(model.graph.initializers);
    const session = await InferenceSession.create(path);
    expect(session.outputNames).toEqual(['y']);
    await session.release();
    const feed = { x: { type: 'float32', dims: [2, 6], values: numbers(12, 5) } } as const;
    expect(await run(read, feed)).toEqual(await run(model, feed));
  });

  it('refuses missing, short and foreign data files', async () => {
    const path = join(folder, 'broken.onnx');
    writeModel(path, sample(), { externalData: true });
    await truncate(`${path}.data`, 100);
    await expect(readModel(path)).rejects.toMatchObject({ name: 'ModelError', code: 'onnx-external' });
    await rm(`${path}.data`);
    await expect(readModel(path)).rejects.toThrow(/broken\.onnx\.data/);
    const entry = (key: string, value: string): MessageWriter => new MessageWriter().string(1, key).string(2, value);
    const tensor = new MessageWriter()
      .packedInts(1, [1])
      .int(2, 1)
      .string(8, 'w')
      .message(13, entry('location', '../../etc/passwd'))
      .int(14, 1);
    const bytes = fileOf(new MessageWriter().message(5, tensor));
    await writeFile(path, bytes);
    await expect(readModel(path)).rejects.toThrow(/outside its folder/);
    expect(() => decodeModel(bytes)).toThrow(/another file/);
  });
});
