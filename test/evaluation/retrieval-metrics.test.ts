import { readFileSync } from 'node:fs';
import { beforeAll, describe, expect, it } from 'vitest';
import { classificationReport } from '../../src/evaluation/classification.js';
import { bootstrapByGroup, wilson } from '../../src/evaluation/intervals.js';
import { rankQuery } from '../../src/evaluation/ranking.js';
import { retrievalReport, type RetrievalReport } from '../../src/evaluation/retrieval-metrics.js';
import { describeWithShared, sharedPath } from '../support/shared.js';

/** Unit vectors in a plane at angles in degrees: similarity falls with the angle between them. */
function atAngles(...degrees: number[]): Float32Array {
  return new Float32Array(degrees.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]));
}

describe('rankQuery', () => {
  it('computes the measures of a ranking that can be checked by hand', () => {
    // Ranking: a b a a b; relevant at 1, 3 and 4.
    const gallery = { embeddings: atAngles(40, 10, 20, 30, 50), labels: ['a', 'a', 'b', 'a', 'b'] };
    const measures = rankQuery(gallery, { embeddings: atAngles(0), labels: ['a'] }, 0, { dimension: 2 })!;
    expect(measures).toMatchObject({ firstHit: 1, neighbours: [{ exemplar: 1, label: 'a' }] });
    expect(measures.averagePrecision).toBeCloseTo((1 + 2 / 3 + 3 / 4) / 3, 12);
    expect(measures.rPrecision).toBeCloseTo(2 / 3, 12);
    expect(measures.averagePrecisionAtR).toBeCloseTo((1 + 2 / 3) / 3, 12);
  });

  it('leaves out what it must not be compared with, and queries that nothing could answer', () => {
    const rows = { embeddings: atAngles(0, 10, 20), labels: ['a', 'b', 'a'] };
    const exclude = (query: number, exemplar: number): boolean => query === exemplar;
    expect(rankQuery(rows, rows, 0, { dimension: 2, exclude })).toMatchObject({ firstHit: 2, neighbours: [{ label: 'b' }] });
    expect(rankQuery(rows, rows, 1, { dimension: 2, exclude })).toBeNull();
  });

  it('puts the earlier of two equal exemplars first', () => {
    const gallery = { embeddings: atAngles(30, 30), labels: ['b', 'a'] };
    expect(rankQuery(gallery, { embeddings: atAngles(0), labels: ['a'] }, 0, { dimension: 2 })?.firstHit).toBe(2);
  });
});

describe('retrievalReport', () => {
  it('means over queries and over classes differ where classes differ in size', () => {
    const gallery = { embeddings: atAngles(0, 90), labels: ['a', 'b'] };
    const queries = { embeddings: atAngles(1, 2, 3, 89, 40), labels: ['a', 'a', 'a', 'a', 'c'] };
    const report = retrievalReport(queries.labels.map((_, query) => rankQuery(gallery, queries, query, { dimension: 2 })));
    expect(report).toMatchObject({ n: 4, queriesWithoutRelevantGallery: 1 });
    expect(report.overall['recall@1']).toBe(0.75);
    const [lower, upper] = report.intervals.overall['recall@1'];
    expect(lower).toBeLessThan(0.75);
    expect(upper).toBeGreaterThan(0.75);
  });
});

describe('intervals', () => {
  it('gives the published Wilson intervals', () => {
    // Newcombe 1998, table I: 81/263 and 0/20.
    expect(wilson(81, 263).map((end) => Number(end.toFixed(4)))).toEqual([0.2553, 0.3662]);
    expect(wilson(0, 20).map((end) => Number(end.toFixed(4)))).toEqual([0, 0.1611]);
    expect(wilson(0, 0)).toEqual([0, 1]);
  });

  it('draws groups, so that copies of one patient do not narrow an interval', () => {
    const values = Array.from({ length: 200 }, (_, at) => (at % 20 < 10 ? 1 : 0));
    const mean = (items: readonly number[]): number => items.reduce((sum, item) => sum + values[item]!, 0) / items.length;
    const width = ([lower, upper]: readonly [number, number]): number => upper - lower;
    const independent = bootstrapByGroup(
      values.map((_, at) => at),
      mean,
    );
    const grouped = bootstrapByGroup(
      values.map((_, at) => at % 20),
      mean,
    );
    expect(width(grouped)).toBeGreaterThan(2 * width(independent));
    expect(
      bootstrapByGroup(
        values.map((_, at) => at),
        mean,
      ),
    ).toEqual(independent);
  });
});

describe('classificationReport', () => {
  it('agrees with the two-class formulas', () => {
    // tp 4, fn 1, fp 2, tn 3.
    const truth = 'pppppnnnnn'.split('');
    const answers = 'ppppnppnnn'.split('');
    const report = classificationReport(truth, answers);
    expect(report.confusion).toEqual([
      [3, 2],
      [1, 4],
    ]);
    expect(report.accuracy).toBeCloseTo(0.7, 12);
    expect(report.macroF1).toBeCloseTo((6 / 9 + 8 / 11) / 2, 12);
    expect(report.mcc).toBeCloseTo((4 * 3 - 2 * 1) / Math.sqrt(6 * 5 * 5 * 4), 12);
  });

  it('says 0 where nothing can correlate', () => {
    expect(classificationReport(['a', 'b'], ['a', 'a']).mcc).toBe(0);
  });
});

describeWithShared('against the reference metrics', () => {
  const rows = (name: string): Float32Array => new Float32Array(new Uint8Array(readFileSync(sharedPath('fixtures/metrics', name))).buffer);
  type Expected = Pick<RetrievalReport, 'overall' | 'classMean' | 'perClass'> & { queriesWithoutRelevantGallery: number };
  let expected: {
    galleryLabels: number[];
    queryLabels: number[];
    queryVersusGallery: Expected;
    galleryLeaveOneOut: Pick<Expected, 'overall'>;
  };
  beforeAll(() => {
    expected = JSON.parse(readFileSync(sharedPath('fixtures/metrics/expected.json'), 'utf8')) as typeof expected;
  });

  function expectClose(actual: Readonly<Record<string, unknown>>, wanted: Readonly<Record<string, unknown>>): void {
    expect(Object.keys(wanted).length).toBeGreaterThan(4);
    for (const [name, value] of Object.entries(wanted))
      expect(Math.abs((actual[name] as number) - (value as number)), name).toBeLessThan(1e-9);
  }

  it('agrees to 1e-9 for queries against a gallery', () => {
    const gallery = { embeddings: rows('gallery-240x16.f32'), labels: expected.galleryLabels.map(String) };
    const queries = { embeddings: rows('query-80x16.f32'), labels: expected.queryLabels.map(String) };
    const report = retrievalReport(queries.labels.map((_, query) => rankQuery(gallery, queries, query, { dimension: 16 })));
    const { overall, classMean, perClass, queriesWithoutRelevantGallery } = expected.queryVersusGallery;
    expectClose(report.overall, overall);
    expectClose(report.classMean, classMean);
    expect(Object.keys(report.perClass).sort()).toEqual(Object.keys(perClass).sort());
    for (const [label, metrics] of Object.entries(perClass)) expectClose(report.perClass[label]!, metrics);
    expect(report.queriesWithoutRelevantGallery).toBe(queriesWithoutRelevantGallery);
  });

  it('agrees to 1e-9 for a gallery asked for itself', () => {
    const gallery = { embeddings: rows('gallery-240x16.f32'), labels: expected.galleryLabels.map(String) };
    const exclude = (query: number, exemplar: number): boolean => query === exemplar;
    const report = retrievalReport(gallery.labels.map((_, query) => rankQuery(gallery, gallery, query, { dimension: 16, exclude })));
    expectClose(report.overall, expected.galleryLeaveOneOut.overall);
  });
});
