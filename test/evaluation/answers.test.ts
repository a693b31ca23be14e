import { describe, expect, it } from 'vitest';
import { ablate } from '../../src/evaluation/ablation.js';
import { answerSplit } from '../../src/evaluation/answers.js';
import { evaluateRetrieval } from '../../src/evaluation/evaluate-retrieval.js';
import { worstFailures } from '../../src/evaluation/failures.js';
import { holm, mcnemar } from '../../src/evaluation/mcnemar.js';
import { rowGroups } from '../../src/evaluation/row-groups.js';
import { foldSplit, leaveOneOut, pairSplit } from '../../src/evaluation/split.js';
import { fixedSubject, type Subject } from '../../src/evaluation/subject.js';

/** Unit vectors in a plane at angles in degrees. */
function atAngles(...degrees: number[]): Float32Array {
  return new Float32Array(degrees.flatMap((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]));
}

const LABELS = 'aaabbb'.split('');
const SUBJECT = fixedSubject('angles', LABELS, atAngles(0, 5, 80, 90, 84, 100));
const EACH = [0, 1, 2, 3, 4, 5];

describe('answerSplit', () => {
  it('answers in rows of the set, and knows which queries have a look-alike in the gallery', async () => {
    const { answers } = await answerSplit(SUBJECT, pairSplit(4, 6), { groups: EACH, lookAlikes: [0, 1, 2, 3, 3, 5] });
    expect(answers.map(({ query, lookAlike }) => [query, lookAlike])).toEqual([
      [4, true],
      [5, false],
    ]);
    // 84° is nearer to 80° (a) than to 90° (b).
    expect(answers[0]?.measures).toMatchObject({ firstHit: 2, firstRelevant: { exemplar: 3 } });
    expect(answers[0]?.measures?.neighbours.map(({ exemplar }) => exemplar)).toEqual([2, 3, 1, 0]);
    expect(answers[1]).toMatchObject({ majority: 'a', measures: { firstHit: 1 } });
  });

  it('leaves out the whole group of a query', async () => {
    const groups = [0, 0, 2, 3, 3, 5];
    const { answers } = await answerSplit(SUBJECT, leaveOneOut(LABELS, groups), { groups, lookAlikes: EACH });
    const first = answers.find(({ query }) => query === 0);
    expect(first?.measures?.neighbours.map(({ exemplar }) => exemplar)).toEqual([2, 4, 3, 5]);
    // A look-alike of another group is in the gallery, one of its own is not.
    const looking = await answerSplit(SUBJECT, leaveOneOut(LABELS, groups), { groups, lookAlikes: [0, 0, 2, 3, 4, 3] });
    expect(
      looking.answers
        .filter(({ lookAlike }) => lookAlike)
        .map(({ query }) => query)
        .sort(),
    ).toEqual([3, 5]);
  });

  it('lets a model see for its fit only what the round allows', async () => {
    const seen: number[][] = [];
    const watched: Subject = {
      ...SUBJECT,
      embed(fit) {
        seen.push([...fit]);
        return SUBJECT.embed(fit);
      },
    };
    const split = foldSplit(LABELS, EACH, 3);
    await answerSplit(watched, split, { groups: EACH, lookAlikes: EACH });
    expect(seen).toEqual(split.rounds.map(({ gallery }) => gallery));
  });
});

describe('evaluateRetrieval', () => {
  it('tells both figures: with and without the queries that have a look-alike', async () => {
    const grouping = { groups: EACH, lookAlikes: [0, 1, 2, 3, 3, 5], minSimilarity: null, alikeRows: 2 };
    const found = await evaluateRetrieval({
      subjects: [SUBJECT],
      split: pairSplit(4, 6),
      ungrouped: null,
      grouping,
      falseAcceptance: 0.2,
      indexes: false,
    });
    expect(found.all.retrieval).toMatchObject({ n: 2, overall: { 'recall@1': 0.5 } });
    expect(found.withoutLookAlikes).toMatchObject({ removed: 1, retrieval: { n: 1, overall: { 'recall@1': 1 } } });
    // Six pictures say nothing about rates.
    expect(found.openSet).toBeNull();
    expect(worstFailures(found.answers, 5)).toMatchObject([{ query: 4, label: 'b', firstHit: 2 }]);
  });

  it('tells the open-set curve of enough pictures', async () => {
    const labels = Array.from({ length: 80 }, (_, row) => 'abcd'[row % 4]!);
    const vectors = labels.flatMap((label, row) => {
      const vector = new Array<number>(8).fill(0);
      vector['abcd'.indexOf(label)] = 1;
      vector[4 + (row % 3)] = 0.3;
      const norm = Math.hypot(...vector);
      return vector.map((value) => value / norm);
    });
    const rows = labels.map((_, row) => row);
    const grouping = { groups: rows, lookAlikes: rows, minSimilarity: null, alikeRows: 0 };
    const found = await evaluateRetrieval({
      subjects: [fixedSubject('corners', labels, Float32Array.from(vectors))],
      split: foldSplit(labels, rows, 4),
      ungrouped: foldSplit(labels, rows, 4),
      grouping,
      falseAcceptance: 0.1,
      indexes: false,
    });
    expect(found.openSet).toMatchObject({ knownQueries: 80, unknownQueries: 80, chosen: { falseAcceptance: 0, loss: 0 }, auroc: 1 });
    expect(found.ungrouped?.overall['recall@1']).toBe(1);
    expect(found.all.vote).toMatchObject({ accuracy: 1, macroF1: 1, mcc: 1 });
    expect(found.all.precisionRecall.every(({ precision }) => precision === 1)).toBe(true);
  });
});

describe('ablate', () => {
  it('compares variants query by query', async () => {
    const split = pairSplit(3, 6);
    const labels = 'abcaab'.split('');
    const right = fixedSubject('right', labels, atAngles(0, 90, 180, 1, 2, 91));
    const worse = fixedSubject('worse', labels, atAngles(0, 90, 180, 91, 92, 91));
    const options = { groups: EACH, lookAlikes: EACH };
    const { answers } = await answerSplit(right, split, options);
    const { rows, reference } = await ablate([right, worse], split, answers, options);
    expect(reference).toBe('right');
    expect(rows.map(({ retrieval }) => retrieval.overall['recall@1'])).toEqual([1, 1 / 3]);
    expect(rows[1]).toMatchObject({ test: { onlyFirst: 2, onlySecond: 0, p: 0.5, pHolm: 0.5 } });
    expect(rows[1]?.difference).toBeCloseTo(-2 / 3, 12);
  });
});

describe('mcnemar', () => {
  it('gives the exact binomial probabilities', () => {
    const hits = (text: string): boolean[] => Array.from(text, (mark) => mark === '1');
    // 1 against 9 discordant: 2 · (1 + 10) / 2^10.
    expect(mcnemar(hits('1000000000'), hits('0111111111')).p).toBeCloseTo(22 / 1024, 12);
    expect(mcnemar(hits('1100'), hits('1100'))).toEqual({ onlyFirst: 0, onlySecond: 0, p: 1 });
    expect(mcnemar(hits('10'), hits('01')).p).toBe(1);
  });

  it('corrects for the number of tests', () => {
    expect(holm([0.01, 0.04, 0.03])).toEqual([0.03, 0.06, 0.06]);
  });
});

describe('rowGroups', () => {
  it('joins by ids and by looks, and a chain of both', async () => {
    const hash = (...words: number[]): Uint32Array => Uint32Array.from(Array.from({ length: 8 }, (_, word) => words[word] ?? 0));
    const hashes = [hash(0), hash(1), hash(0xffffffff, 0xffffffff), hash(0xffffffff, 0xffffffff, 0, 0, 0, 0, 0, 0xffffffff)];
    const found = await rowGroups(hashes, [null, 'patient 1', 'patient 1', null], { embeddings: null });
    expect(found.lookAlikes).toEqual([0, 0, 2, 2]);
    expect(found.groups).toEqual([0, 0, 0, 0]);
    expect(found.alikeRows).toBe(4);
    const byIds = await rowGroups(hashes, [null, 'patient 1', 'patient 1', null], { embeddings: null, idsOnly: true });
    expect(byIds).toMatchObject({ groups: [0, 1, 1, 3], lookAlikes: [0, 0, 2, 2] });
    expect((await rowGroups([], ['x', null, 'x'], { embeddings: null })).groups).toEqual([0, 1, 0]);
  });
});
