import { describe, expect, it } from 'vitest';
import { QUALITY_MEASURES, QUALITY_OUTPUT, qualityMeasures, withQuality } from '../../src/models/quality.js';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { decodeModel } from '../../src/onnx/decode.js';
import { encodeModel } from '../../src/onnx/encode.js';
import type { OnnxModel } from '../../src/onnx/graph.js';
import * as ops from '../../src/onnx/ops.js';
import { numbers, run } from '../onnx/support/run.js';

type Measures = Record<(typeof QUALITY_MEASURES)[number], number>;
type Colour = readonly [number, number, number];

/** Measures of one picture, given as a function of place (shares of the side) to colours of 0…1. */
async function measure(colour: (x: number, y: number) => Colour, side = 224): Promise<Measures> {
  const graph = new GraphBuilder();
  graph.output(QUALITY_OUTPUT, qualityMeasures(graph.input('pixels', 'uint8', ['N', side, side, 3])));
  const values = Array.from({ length: side * side }, (_, at) =>
    colour(((at % side) + 0.5) / side, (Math.floor(at / side) + 0.5) / side),
  ).flat();
  const { quality } = await run(graph.model(), {
    pixels: { type: 'uint8', dims: [1, side, side, 3], values: values.map((value) => Math.round(Math.min(1, Math.max(0, value)) * 255)) },
  });
  return Object.fromEntries(QUALITY_MEASURES.map((name, index) => [name, quality?.values[index]])) as Measures;
}

const inCircle = (x: number, y: number): boolean => Math.hypot(x - 0.5, y - 0.5) < 0.45;

/** Pink mucosa with vessels of a given sharpness (edge width, share of the side), black outside a circle. */
function mucosa(edge: number, light = 1): (x: number, y: number) => Colour {
  return (x, y) => {
    if (!inCircle(x, y)) return [0, 0, 0];
    const vessel = 1 / (1 + Math.exp(Math.sin(40 * x + 9 * Math.sin(5 * y)) / (40 * edge)));
    return [light * (0.8 - 0.1 * vessel), light * (0.5 - 0.25 * vessel), light * (0.45 - 0.2 * vessel)];
  };
}

describe('qualityMeasures', () => {
  it('counts only what is lit', async () => {
    const half = await measure((x) => (x < 0.5 ? [0.6, 0.3, 0.3] : [0, 0, 0]));
    expect(half.litShare).toBeCloseTo(0.5, 2);
    expect(half.luminance).toBeCloseTo(0.299 * 0.6 + 0.701 * 0.3, 2);
    expect(half.redness).toBeCloseTo(0.5, 2);
    expect(half.saturation).toBeCloseTo(0.5, 2);
    expect(half.contrast).toBeLessThan(0.01);
    expect(half.glareShare).toBe(0);
  });

  it('measures glare and contrast', async () => {
    const glare = await measure((_x, y) => (y < 0.25 ? [1, 1, 1] : [0.5, 0.5, 0.5]));
    expect(glare.glareShare).toBeCloseTo(0.25, 2);
    expect(glare.contrast).toBeCloseTo(Math.sqrt(0.25 * 0.75) * 0.5, 2);
    expect(glare.redness).toBeCloseTo(1 / 3, 3);
  });

  it('ranks pictures by sharpness, whatever the light', async () => {
    const sharp = await measure(mucosa(0.01));
    const soft = await measure(mucosa(0.1));
    const blurred = await measure(mucosa(0.4));
    expect(sharp.sharpness).toBeGreaterThan(soft.sharpness + 0.2);
    expect(soft.sharpness).toBeGreaterThan(blurred.sharpness + 0.2);
    const dim = await measure(mucosa(0.01, 0.6));
    expect(Math.abs(dim.sharpness - sharp.sharpness)).toBeLessThan(0.1);
  });

  it('is not fooled by burnt-in text or the edge of the field of view', async () => {
    const blurred = mucosa(0.4);
    const plain = await measure(blurred);
    const written = (x: number, y: number): boolean => y > 0.2 && y < 0.24 && x > 0.3 && x < 0.6 && Math.floor(x * 100) % 2 === 0;
    const text = await measure((x, y) => (written(x, y) ? [1, 1, 1] : blurred(x, y)));
    expect(text.sharpness - plain.sharpness).toBeLessThan(0.6);
    expect((await measure(mucosa(0.01))).sharpness).toBeGreaterThan(text.sharpness);
  });

  it('is the same at other input sizes of the model', async () => {
    const [small, large] = [await measure(mucosa(0.15)), await measure(mucosa(0.15), 336)];
    const tolerance = (name: string): number => (name === 'sharpness' ? 0.25 : 0.04);
    for (const name of QUALITY_MEASURES) expect(Math.abs(large[name] - small[name]), name).toBeLessThan(tolerance(name));
  });

  it('stays finite on black, white and noise', async () => {
    const noise = numbers(224 * 224 * 3);
    let next = 0;
    const pictures: ((x: number, y: number) => Colour)[] = [
      () => [0, 0, 0],
      () => [1, 1, 1],
      () => [Math.abs(noise[next++] ?? 0), Math.abs(noise[next++] ?? 0), Math.abs(noise[next++] ?? 0)],
    ];
    const [black, white, grain] = await Promise.all(pictures.map((picture) => measure(picture)));
    expect(Object.values({ ...black, ...white, ...grain }).every(Number.isFinite)).toBe(true);
    expect(black?.litShare).toBe(0);
    expect(white?.glareShare).toBe(1);
    expect(grain?.sharpness).toBeGreaterThan(white?.sharpness ?? 0);
    expect(black?.sharpness).toBe(-4);
  });
});

describe('withQuality', () => {
  function foreign(opset: number): OnnxModel {
    const graph = new GraphBuilder({ name: 'foreign', opset });
    const picture = graph.input('image', 'uint8', ['batch', 16, 16, 3]);
    graph.output('embedding', ops.reduceMean(ops.cast(picture, 'float32'), [1, 2], { keepDimensions: false }));
    return decodeModel(encodeModel(graph.model()));
  }

  it('joins the measures to models of any operator set from 13 on', async () => {
    const pixels = {
      type: 'uint8',
      dims: [2, 16, 16, 3],
      values: numbers(2 * 768, 4).map((value) => Math.floor(Math.abs(value) * 256)),
    } as const;
    for (const opset of [13, 17, 20]) {
      const outputs = await run(withQuality(foreign(opset), { width: 16, height: 16 }), { pixels });
      expect(outputs['quality']?.dims).toEqual([2, 7]);
      expect(outputs['embedding']?.values).toEqual((await run(foreign(opset), { image: pixels }))['embedding']?.values);
    }
  });

  it('leaves a model that has them as it is, and refuses what it cannot join', () => {
    const complete = withQuality(foreign(18), { width: 16, height: 16 });
    expect(withQuality(complete, { width: 16, height: 16 })).toBe(complete);
    expect(() => withQuality({ ...foreign(18), opsets: new Map([['', 11]]) }, { width: 16, height: 16 })).toThrow(/operator set 11/);
    expect(() => withQuality(foreign(18), { width: 32, height: 16 })).toThrow(/uint8/);
  });
});
