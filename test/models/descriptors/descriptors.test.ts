import { InferenceSession, Tensor } from 'onnxruntime-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { descriptors } from '../../../src/models/descriptors/descriptors.js';
import { encodeStatistics, decodeStatistics } from '../../../src/models/descriptors/statistics.js';
import type { Model } from '../../../src/models/model.js';

const SIDE = 224;
type Rgb = readonly [number, number, number];

/** A picture from a function of place, in shares of the side, to colours of 0…255. */
function picture(colour: (x: number, y: number) => Rgb): Uint8Array {
  const pixels = new Uint8Array(SIDE * SIDE * 3);
  for (let y = 0; y < SIDE; y++) {
    for (let x = 0; x < SIDE; x++) pixels.set(colour((x + 0.5) / SIDE, (y + 0.5) / SIDE), (y * SIDE + x) * 3);
  }
  return pixels;
}

/** Folds of some direction and width on a coloured wall, with a dark lumen somewhere; everything set by a seed. */
function wall(seed: number, hue: Rgb): Uint8Array {
  const random = (salt: number): number => {
    const value = Math.sin(seed * 12.9898 + salt * 78.233) * 43758.5453;
    return value - Math.floor(value);
  };
  const angle = random(1) * Math.PI;
  const wavelength = 0.06 + 0.1 * random(2);
  const [cx, cy] = [0.35 + 0.3 * random(3), 0.35 + 0.3 * random(4)];
  return picture((x, y) => {
    const fold = 0.75 + 0.15 * Math.sin((2 * Math.PI * (x * Math.cos(angle) + y * Math.sin(angle))) / wavelength);
    const light = fold * Math.min(1, 0.3 + 2 * Math.hypot(x - cx, y - cy));
    return [hue[0] * light, hue[1] * light, hue[2] * light];
  });
}

async function outputsOf(model: Model, pictures: readonly Uint8Array[]): Promise<Record<string, Float32Array[]>> {
  if (typeof model.graph === 'string') throw new Error('bytes expected');
  const session = await InferenceSession.create(model.graph, { intraOpNumThreads: 1, logSeverityLevel: 3 });
  const outputs: Record<string, Float32Array[]> = {};
  for (const pixels of pictures) {
    const results = await session.run({ pixels: new Tensor('uint8', pixels, [1, SIDE, SIDE, 3]) });
    for (const [name, tensor] of Object.entries(results)) (outputs[name] ??= []).push(Float32Array.from(tensor.data as Float32Array));
  }
  await session.release();
  return outputs;
}

function joined(rows: readonly Float32Array[] | undefined): Float32Array {
  return Float32Array.from((rows ?? []).flatMap((row) => [...row]));
}

function cosine(a: Float32Array, b: Float32Array): number {
  let [dot, aa, bb] = [0, 0, 0];
  a.forEach((value, index) => {
    const other = b[index] ?? 0;
    dot += value * other;
    aa += value * value;
    bb += other * other;
  });
  return dot / Math.sqrt(aa * bb);
}

const PINK: Rgb = [220, 130, 120];
const YELLOW: Rgb = [210, 170, 70];
const RED: Rgb = [200, 60, 40];
const HUES = { pink: PINK, yellow: YELLOW, red: RED };

describe('descriptors', () => {
  const model = descriptors();
  const labels = Object.keys(HUES).flatMap((name) => Array<string>(12).fill(name));
  const pictures = Object.values(HUES).flatMap((hue, index) => Array.from({ length: 12 }, (_, seed) => wall(index * 100 + seed, hue)));
  let statistics = new Uint8Array();
  let features: Record<string, Float32Array> = {};
  let fitted: Model = model.base;
  beforeAll(async () => {
    const raw = await outputsOf(model.base, pictures);
    features = Object.fromEntries(model.base.backbones.map((name) => [name, joined(raw[`feature:${name}`])]));
    statistics = new Uint8Array(model.fit(features, labels));
    fitted = model.fitted(statistics);
  });
  afterAll(() => {
    features = {};
  });

  it('gives normalised embeddings of the promised length, and features of each backbone', async () => {
    const outputs = await outputsOf(fitted, pictures.slice(0, 3));
    for (const embedding of outputs['embedding'] ?? []) {
      expect(embedding.length).toBe(fitted.dimension);
      expect(Math.hypot(...embedding)).toBeCloseTo(1, 4);
    }
    for (const name of fitted.backbones) expect(Math.hypot(...(outputs[`feature:${name}`]?.[0] ?? []))).toBeCloseTo(1, 4);
    expect(outputs['quality']?.[0]?.length).toBe(7);
  });

  it('finds the class of pictures it has not seen', async () => {
    const queries = Object.values(HUES).flatMap((hue, index) => [wall(index * 100 + 50, hue), wall(index * 100 + 51, hue)]);
    const [gallery, asked] = [
      (await outputsOf(fitted, pictures))['embedding'] ?? [],
      (await outputsOf(fitted, queries))['embedding'] ?? [],
    ];
    const answers = asked.map((query) => {
      const similarities = gallery.map((exemplar) => cosine(exemplar, query));
      return labels[similarities.indexOf(Math.max(...similarities))];
    });
    expect(answers).toEqual(Object.keys(HUES).flatMap((name) => [name, name]));
  });

  it('projects features to what the fitted graph embeds', async () => {
    const projected = model.project(features, statistics);
    const embeddings = joined((await outputsOf(fitted, pictures))['embedding']);
    expect(projected.length).toBe(embeddings.length);
    expect(Math.max(...projected.map((value, index) => Math.abs(value - (embeddings[index] ?? 0))))).toBeLessThan(1e-4);
  });

  it('does not see the position display, black corners, or text at the edge', async () => {
    const plain = wall(7, PINK);
    const overlaid = plain.slice();
    for (let y = 0; y < SIDE; y++) {
      for (let x = 0; x < SIDE; x++) {
        const display = x < SIDE * 0.35 && y > SIDE * 0.64;
        const corner = Math.hypot(x - SIDE / 2, y - SIDE / 2) > SIDE * 0.47;
        if (display) overlaid.set([0, 160, 130], (y * SIDE + x) * 3);
        else if (corner) overlaid.set((x * 7 + y * 13) % 5 === 0 ? [255, 255, 255] : [0, 0, 0], (y * SIDE + x) * 3);
      }
    }
    const {
      'feature:structure': structure,
      'feature:colour': colour,
      'feature:lumen': lumen,
    } = await outputsOf(model.base, [plain, overlaid]);
    for (const rows of [structure, colour, lumen]) {
      const [a, b] = [rows?.[0] ?? new Float32Array(), rows?.[1] ?? new Float32Array()];
      expect(Math.max(...a.map((value, index) => Math.abs(value - (b[index] ?? 0))))).toBeLessThan(1e-4);
    }
  });

  it('takes a picture that is turned by a quarter or mirrored for the same', async () => {
    // Corners are plain, since one of them is never looked at.
    const plain = (seed: number): Uint8Array => {
      const pixels = wall(seed, PINK);
      const isCorner = (at: number): boolean => Math.abs(at + 0.5 - SIDE / 2) > SIDE * 0.11;
      for (let y = 0; y < SIDE; y++) {
        for (let x = 0; x < SIDE; x++) if (isCorner(x) && isCorner(y)) pixels.set(PINK, (y * SIDE + x) * 3);
      }
      return pixels;
    };
    const moved = (pixels: Uint8Array, from: (x: number, y: number) => number): Uint8Array =>
      Uint8Array.from(pixels, (_, at) => pixels[from(Math.floor(at / 3) % SIDE, Math.floor(at / 3 / SIDE)) * 3 + (at % 3)] ?? 0);
    const [first, second] = [plain(7), plain(8)];
    const outputs = await outputsOf(model.base, [
      first,
      moved(first, (x, y) => x * SIDE + SIDE - 1 - y),
      moved(first, (x, y) => y * SIDE + SIDE - 1 - x),
      second,
    ]);
    for (const name of ['structure', 'colour']) {
      const rows = outputs[`feature:${name}`] ?? [];
      const distance = (other: number): number => Math.hypot(...(rows[0] ?? []).map((value, at) => value - (rows[other]?.[at] ?? 0)));
      for (const turned of [1, 2]) expect(distance(turned)).toBeLessThan(0.4 * distance(3));
    }
  });

  it('knows a triangular lumen from a round one, however the endoscope is turned and wherever the lumen lies', async () => {
    const lumen = (sides: number, turned: number, x0 = 0.5, y0 = 0.45): Uint8Array =>
      picture((x, y) => {
        const angle = Math.atan2(y - y0, x - x0) - turned;
        const edge = 0.16 * (1 + (sides === 0 ? 0 : 0.35 * Math.cos(sides * angle)));
        const away = Math.hypot(x - x0, y - y0) / edge;
        const shade = Math.min(1, 0.15 + 0.5 * Math.max(0, away - 0.8) ** 2 + (away > 1 ? 0.35 : 0));
        return [220 * shade, 130 * shade, 110 * shade];
      });
    const { 'feature:lumen': rows } = await outputsOf(model.base, [
      lumen(3, 0),
      lumen(3, 0.7),
      lumen(3, 0.3, 0.56, 0.4),
      lumen(0, 0),
      lumen(0, 0, 0.56, 0.4),
    ]);
    const distance = (a: number, b: number): number => Math.hypot(...(rows?.[a] ?? []).map((value, at) => value - (rows?.[b]?.[at] ?? 0)));
    for (const triangle of [1, 2]) for (const round of [3, 4]) expect(distance(0, triangle)).toBeLessThan(0.7 * distance(triangle, round));
  });

  it('is the same model for the same statistics, and another for others', () => {
    expect(model.fit(features, labels)).toEqual(statistics);
    expect(descriptors().fitted(statistics).fingerprint).toBe(fitted.fingerprint);
    // The first pictures change their class.
    const others = model.fit(
      features,
      labels.map((label, row) => (row < 5 ? 'red' : label)),
    );
    expect(model.fitted(others).fingerprint).not.toBe(fitted.fingerprint);
    expect(fitted.parts.map((part) => part.name)).toContain('statistics');
    expect(model.base.fingerprint).not.toBe(fitted.fingerprint);
  });

  it('works on a gallery of one, two and ten pictures', async () => {
    for (const count of [1, 2, 10]) {
      const few = Object.fromEntries(Object.entries(features).map(([name, rows]) => [name, rows.slice(0, (rows.length / 36) * count)]));
      const small = model.fitted(model.fit(few, labels.slice(0, count)));
      const [first, again, other] = (await outputsOf(small, [wall(0, PINK), wall(0, PINK), wall(150, RED)]))['embedding'] ?? [];
      if (!first || !again || !other) throw new Error('three embeddings expected');
      expect(first.every(Number.isFinite)).toBe(true);
      expect(cosine(first, again)).toBeCloseTo(1, 5);
      expect(cosine(first, other)).toBeLessThan(0.999);
    }
  });

  it('survives pictures of one colour', async () => {
    const { embedding } = await outputsOf(fitted, [picture(() => [0, 0, 0]), picture(() => [255, 255, 255])]);
    for (const row of embedding ?? []) expect(row.every(Number.isFinite)).toBe(true);
  });

  it('refuses features and statistics that are not its own', () => {
    expect(() => model.fit({ ...features, colour: new Float32Array(10) }, labels)).toThrow(/Features of colour must be \[36, \d+\]/);
    const refused = (bytes: Uint8Array): void => {
      expect(() => model.fitted(bytes)).toThrow(/statistics do not belong/);
    };
    refused(new Uint8Array());
    refused(new TextEncoder().encode('something else\n{}\n'));
    refused(statistics.subarray(0, statistics.length - 8));
    refused(Uint8Array.from([...statistics, 0, 0, 0, 0]));
    const nan = statistics.slice();
    nan.fill(255, nan.length - 4);
    refused(nan);
    refused(encodeStatistics('another base', {}));
    refused(encodeStatistics(model.base.fingerprint, {}));
  });

  it('writes statistics that read back as they were', () => {
    const whitening = { inputs: 2, outputs: 1, mean: Float32Array.of(1, 2), matrix: Float32Array.of(3, 4) };
    expect(decodeStatistics('base', { some: 2 }, encodeStatistics('base', { some: whitening }))).toEqual({ some: whitening });
  });
});
