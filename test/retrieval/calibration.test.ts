import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { calibrate, type CalibrationGallery } from '../../src/retrieval/calibrate.js';
import { chooseMeasure, MEASURES, type JudgedAnswer } from '../../src/retrieval/choose-measure.js';
import { confidenceOf, DEFAULT_MEASURE, learnUsualNearness, nearnessOf } from '../../src/retrieval/confidence.js';
import { dealFolds } from '../../src/retrieval/folds.js';
import { heldOutSearch } from '../../src/retrieval/held-out.js';
import { MANIFEST, type GalleryManifest } from '../../src/retrieval/manifest.js';
import { lossByLabel, operatingPoint, type OpenSetQuery } from '../../src/retrieval/operating-point.js';

const queries = (label: string, right: boolean, ...confidences: number[]): OpenSetQuery[] =>
  confidences.map((confidence) => ({ label, confidence, right }));

describe('lossByLabel', () => {
  it('is the share of a class that is refused, a small class drawn towards the loss of all', () => {
    const known = [...queries('far', true, ...Array.from({ length: 95 }, (_, at) => (at < 38 ? 0.1 : 0.9))), ...queries('few', true, 0.9)];
    const loss = lossByLabel(known, { threshold: 0.5, loss: 0.2 });
    expect(loss['far']).toBeCloseTo((38 + 1) / 100, 12);
    expect(loss['few']).toBeCloseTo(1 / 6, 12);
    expect(lossByLabel([], { threshold: 0.5, loss: 0.2 })).toEqual({});
  });
});

describe('operatingPoint', () => {
  it('stands in the middle of the gap where known and foreign are apart', () => {
    const point = operatingPoint(queries('a', true, 0.7, 0.8, 0.9), queries('b', false, 0.1, 0.2, 0.3), 0.1);
    expect(point.chosen.threshold).toBeCloseTo(0.5, 12);
    expect(point.chosen).toMatchObject({ falseAcceptance: 0, loss: 0, precision: 1 });
    expect(point.auroc).toBeCloseTo(1, 12);
  });

  it('keeps the false acceptance at or below the wanted one', () => {
    const random = seededRandom(5);
    const known = queries('a', true, ...Array.from({ length: 200 }, () => random() + 0.3));
    const foreign = queries('b', false, ...Array.from({ length: 200 }, () => random()));
    for (const wanted of [0.01, 0.05, 0.1, 0.3]) {
      const { chosen } = operatingPoint(known, foreign, wanted);
      expect(chosen.falseAcceptance).toBeLessThanOrEqual(wanted);
      expect(foreign.filter(({ confidence }) => confidence >= chosen.threshold).length / 200).toBeCloseTo(chosen.falseAcceptance, 12);
      expect(known.filter(({ confidence }) => confidence < chosen.threshold).length / 200).toBeCloseTo(chosen.loss, 12);
    }
    // P(U + 0.3 > V) for uniform U and V.
    expect(operatingPoint(known, foreign, 0.1).auroc).toBeCloseTo(1 - 0.7 ** 2 / 2, 1);
  });

  it('counts every class alike, however many queries it has', () => {
    const foreign = [
      ...queries('many', false, ...Array.from({ length: 90 }, () => 0.1)),
      ...queries('few', false, ...Array.from({ length: 10 }, () => 0.6)),
    ];
    const { curve } = operatingPoint(queries('a', true, 0.5, 0.5, 0.5, 0.5, 0.5), foreign, 0.5);
    expect(curve.find(({ threshold }) => threshold > 0.5 && threshold < 0.6)?.falseAcceptance).toBeCloseTo(0.5, 12);
  });

  it('refuses everything rather than accept more than wanted', () => {
    const { chosen } = operatingPoint(queries('a', true, 0.1, 0.2), queries('b', false, 0.9, 0.8), 0.01);
    expect(chosen).toMatchObject({ falseAcceptance: 0, loss: 1, precision: 0 });
  });
});

describe('confidence', () => {
  it('trusts a similarity less where exemplars lie close together', () => {
    const found = [{ exemplar: 0, label: 'a', similarity: 0.8 }];
    expect(nearnessOf(found, () => 0.9, DEFAULT_MEASURE)).toBeLessThan(nearnessOf(found, () => 0.2, DEFAULT_MEASURE));
    expect(nearnessOf([], () => 0, DEFAULT_MEASURE)).toBe(-1);
  });

  const around = (label: string, mean: number, spread: number, count: number) =>
    Array.from({ length: count }, (_, at) => ({ label, nearness: mean + (at % 2 === 0 ? spread : -spread) }));

  it('counts from what is usual for the best class, in the deviations of its own pictures', () => {
    const usual = learnUsualNearness([...around('even', 0.6, 0.02, 96), ...around('varied', 0.2, 0.1, 96)], ['even', 'varied']);
    expect(confidenceOf(0.6, 'even', usual)).toBeCloseTo(0, 0);
    expect(confidenceOf(0.5, 'even', usual)).toBeLessThan(confidenceOf(0.1, 'varied', usual));
    expect(confidenceOf(0.5, 'varied', usual)).toBeGreaterThan(2);
    expect(confidenceOf(0.5, undefined, usual)).toBe(0.5);
  });

  it('draws small classes, and those that nothing is known of, towards the others', () => {
    const usual = learnUsualNearness(
      [...around('a', 0.6, 0.05, 96), ...around('b', 0.2, 0.05, 96), ...around('single', 0.9, 0, 1)],
      ['a', 'b', 'single', 'never seen'],
    );
    expect(usual['a']?.mean).toBeCloseTo(0.6, 1);
    expect(usual['single']?.mean).toBeLessThan(0.66);
    expect(usual['single']?.deviation).toBeCloseTo(0.05, 2);
    expect(usual['never seen']?.deviation).toBeCloseTo(0.05, 2);
    // Of copies alone, nothing can be learnt; nothing is infinitely far from them.
    const copies = learnUsualNearness(around('a', 0.6, 0, 9), ['a']);
    expect(confidenceOf(0.5, 'a', copies)).toBeGreaterThan(-20);
  });
});

it('reads what is usual in galleries built before it had a deviation', () => {
  const demo = JSON.parse(readFileSync(new URL('../../models/demo/gallery/gallery.json', import.meta.url), 'utf8')) as GalleryManifest;
  const old = { ...demo, calibration: { ...demo.calibration, usual: { antrum: 0.05 } } };
  expect(MANIFEST.parse(old).calibration?.usual).toEqual({ antrum: { mean: 0.05, deviation: 1 } });
});

it('takes galleries built before there was a choice of measures to have the default one', () => {
  const demo = JSON.parse(readFileSync(new URL('../../models/demo/gallery/gallery.json', import.meta.url), 'utf8')) as GalleryManifest;
  const old = { ...demo, calibration: { ...demo.calibration, measure: undefined } };
  expect(MANIFEST.parse(old).calibration?.measure).toEqual(DEFAULT_MEASURE);
});

describe('dealFolds', () => {
  const labels = [
    ...Array.from({ length: 30 }, () => 'a'),
    ...Array.from({ length: 12 }, () => 'b'),
    ...Array.from({ length: 7 }, () => 'c'),
  ];
  const groups = labels.map((_, at) => (at === 1 ? 0 : at));

  it('holds every exemplar out once with its class and once beside others of its class', () => {
    const folds = dealFolds(labels, groups, 5);
    expect(folds).toHaveLength(3);
    for (const side of ['known', 'unknown'] as const) {
      expect(folds.flatMap((fold) => fold[side]).sort((a, b) => a - b)).toEqual(labels.map((_, at) => at));
    }
    for (const { known, unknown, members } of folds) {
      expect([...known, ...unknown, ...members].sort((a, b) => a - b)).toEqual(labels.map((_, at) => at));
      const out = new Set(unknown.map((at) => labels[at]));
      expect(members.some((at) => out.has(labels[at]))).toBe(false);
      expect(known.includes(0)).toBe(known.includes(1));
    }
  });
});

describe('heldOutSearch', () => {
  const gallery = {
    embeddings: new Float32Array([1, 0, 1, 0, 0.8, 0.6, 0.6, 0.8, 0, 1]),
    labels: ['antrum', 'antrum', 'stomach', 'cecum', 'antrum'],
    groups: [0, 0, 2, 3, 4],
  };
  const search = heldOutSearch(gallery, [0, 1, 2, 3, 4], 5, [DEFAULT_MEASURE]);
  const found = (known: boolean): number[] => search(0, known).neighbours.map(({ exemplar }) => exemplar);

  it('never finds the query or a near-duplicate of it', () => {
    expect(found(true)).toEqual([2, 3, 4]);
  });

  it('leaves out, with a class, the classes that it is a part of', () => {
    expect(found(false)).toEqual([3]);
    expect([...search(0, false).counts]).toEqual([['cecum', 1]]);
    expect(search(2, false).neighbours.map(({ exemplar }) => exemplar)).toEqual([3]);
  });

  it('tells the nearness by each measure, of as many as that wants, however few neighbours are asked for', () => {
    const bare = (neighbours: number) => ({ neighbours, densityShare: 0, byClass: false });
    const { neighbours, nearness } = heldOutSearch(gallery, [0, 1, 2, 3, 4], 1, [bare(1), bare(3)])(0, true);
    expect(neighbours).toHaveLength(1);
    expect(nearness[0]).toBeCloseTo(0.8, 6);
    expect(nearness[1]).toBeCloseTo((0.8 + 0.6 + 0) / 3, 6);
  });
});

describe('chooseMeasure', () => {
  /** Held pictures about 0.6 near and foreign ones about 0.4, by the default measure and the others with such a spread. */
  function answers(spread: number, others: number, count = 200): [known: JudgedAnswer[], foreign: JudgedAnswer[]] {
    const random = seededRandom(3);
    const around = (mean: number, label: string, best: string): JudgedAnswer[] =>
      Array.from({ length: count }, () => {
        const off = random() - 0.5;
        return { label, best, nearness: MEASURES.map((_, at) => mean + off * (at === 0 ? spread : others)) };
      });
    return [around(0.6, 'a', 'a'), around(0.4, 'b', 'a')];
  }

  it('takes another than the default where that errs clearly less', () => {
    const { measure, usual, openSet } = chooseMeasure(...answers(0.6, 0.1), ['a', 'b'], 0.1);
    expect(measure).toEqual({ neighbours: 5, densityShare: 0, byClass: false });
    expect(usual).toEqual({});
    expect(openSet).toMatchObject({ auroc: 1, chosen: { loss: 0, falseAcceptance: 0 } });
    expect(openSet.chosen.threshold).toBeCloseTo(0.5, 1);
  });

  it('keeps the default where the others are hardly better, or too few were asked', () => {
    for (const [known, foreign] of [answers(0.6, 0.55), answers(0.6, 0.1, 199)]) {
      const { measure, usual } = chooseMeasure(known, foreign, ['a', 'b'], 0.1);
      expect(measure).toEqual(DEFAULT_MEASURE);
      expect(Object.keys(usual)).toEqual(['a', 'b']);
    }
  });
});

describe('calibrate', () => {
  /** Classes as directions in space, with noise around them. */
  function gallery(perClass: number, refit: CalibrationGallery['refit'] = null): CalibrationGallery {
    const random = seededRandom(2);
    const labels = ['pylorus', 'cecum', 'z-line', 'polyps'].flatMap((label) => Array.from({ length: perClass }, () => label));
    const rows = labels.map((_, at) => {
      const row = Array.from({ length: 8 }, (__, axis) => (axis === Math.floor(at / perClass) ? 1 : 0) + (random() - 0.5) * 0.8);
      return row.map((value) => value / Math.hypot(...row));
    });
    return { embeddings: new Float32Array(rows.flat()), labels, groups: labels.map((_, at) => at), refit };
  }

  it('parts what the gallery holds from what it lacks', async () => {
    const { calibration } = await calibrate(gallery(15), { k: 10, falseAcceptance: 0.1 });
    expect(calibration).toMatchObject({ knownQueries: 60, unknownQueries: 60, method: 'leave one out, leave one class out' });
    expect(calibration!.auroc).toBeGreaterThan(0.9);
    expect(calibration!.chosen.loss).toBeLessThan(0.3);
  });

  it('fits the model anew without what it asks', async () => {
    const whole = gallery(15);
    const fits: (readonly number[])[] = [];
    const refit = (members: readonly number[]): Float32Array => {
      fits.push(members);
      return whole.embeddings;
    };
    const { calibration } = await calibrate({ ...whole, refit }, { k: 10, falseAcceptance: 0.1 });
    expect(calibration?.method).toBe('4 folds, the model fitted anew in each');
    expect(fits).toHaveLength(4);
    for (const members of fits) expect(new Set(members.map((at) => whole.labels[at])).size).toBe(3);
  });

  it('takes a fit on fewer pictures as it comes, also with fewer dimensions', async () => {
    const whole = gallery(15);
    const firstAxes = Float32Array.from(
      { length: whole.labels.length * 5 },
      (_, at) => whole.embeddings[Math.floor(at / 5) * 8 + (at % 5)]!,
    );
    const narrow = await calibrate({ ...whole, refit: () => firstAxes }, { k: 10, falseAcceptance: 0.1 });
    expect(narrow.calibration!.auroc).toBeGreaterThan(0.9);
    expect(narrow.calibration!.chosen.precision).toBeGreaterThan(0.9);
  });

  it('does not fit on the one class that is left of two, and says what that means', async () => {
    const { embeddings, labels } = gallery(15);
    const two = { embeddings: embeddings.slice(0, 30 * 8), labels: labels.slice(0, 30), groups: labels.slice(0, 30).map((_, at) => at) };
    const refit = (): Float32Array => {
      throw new Error('There is nothing to fit on.');
    };
    const { calibration } = await calibrate({ ...two, refit }, { k: 10, falseAcceptance: 0.1 });
    expect(calibration).toMatchObject({ knownQueries: 30, unknownQueries: 30 });
    expect(calibration!.method).toContain('too good');
  });

  it('fits on nothing where all pictures are of one patient', async () => {
    const whole = gallery(15);
    const refit = (members: readonly number[]): Float32Array => {
      expect(members).not.toEqual([]);
      return whole.embeddings;
    };
    const { calibration } = await calibrate({ ...whole, groups: whole.labels.map(() => 0), refit }, { k: 10, falseAcceptance: 0.1 });
    expect(calibration).toBeNull();
  });

  it('calibrates nothing on too few', async () => {
    expect((await calibrate(gallery(4), { k: 5, falseAcceptance: 0.1 })).calibration).toBeNull();
  });

  it('asks at most as many as told, from every class', async () => {
    const { calibration } = await calibrate(gallery(30), { k: 5, falseAcceptance: 0.1, maxQueries: 40 });
    expect(calibration).toMatchObject({ knownQueries: 40, unknownQueries: 40 });
  });
});
