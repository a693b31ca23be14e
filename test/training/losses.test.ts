import { describe, expect, it } from 'vitest';
import { seededRandom } from '../../src/common/random.js';
import { GraphBuilder } from '../../src/onnx/builder.js';
import { l2Normalise } from '../../src/onnx/composites.js';
import { gradients } from '../../src/onnx/gradient/gradients.js';
import { emitPairLoss, type PairLossOptions } from '../../src/training/loss/loss.js';
import { normalisedSoftmaxLoss, oneHot } from '../../src/training/loss/normalised-softmax.js';
import { pairMasks } from '../../src/training/loss/pairs.js';
import { run } from '../onnx/support/run.js';

const DIMENSION = 4;

/** The losses as their papers and pytorch-metric-learning define them, in loops and double precision. */
function reference(
  features: readonly number[],
  labels: readonly number[],
  options: PairLossOptions,
): { loss: number; mined: number | null } {
  const count = labels.length;
  const rows = labels.map((_, row) => features.slice(row * DIMENSION, (row + 1) * DIMENSION));
  const units = rows.map((row) => row.map((value) => value / Math.hypot(...row)));
  const s = units.map((a) => units.map((b) => a.reduce((sum, value, index) => sum + value * b[index]!, 0)));
  const others = (anchor: number, wanted: (other: number) => boolean): number[] =>
    labels.flatMap((_, other) => (other !== anchor && wanted(other) ? [other] : []));
  const positives = labels.map((label, anchor) => others(anchor, (other) => labels[other] === label));
  const negatives = labels.map((label, anchor) => others(anchor, (other) => labels[other] !== label));
  if (options.kind === 'triplet') {
    const all = labels.flatMap((_, a) => positives[a]!.flatMap((p) => negatives[a]!.map((n) => s[a]![p]! - s[a]![n]!)));
    const mined = all.filter((d) => {
      if (d > options.minerMargin) return false;
      return options.miner === 'all' || (options.miner === 'semihard' ? d > 0 : d <= 0);
    });
    const losses = (mined.length > 0 ? mined : all).map((d) => Math.max(0, options.margin - d)).filter((loss) => loss > 0);
    return { loss: mean(losses), mined: mined.length };
  }
  if (options.kind === 'multi-similarity') {
    const { alpha, beta, base, epsilon } = options;
    const losses = labels.map((_, a) => {
      const least = Math.min(...positives[a]!.map((p) => s[a]![p]!), 4);
      const most = Math.max(...negatives[a]!.map((n) => s[a]![n]!), -4);
      const p = positives[a]!.filter((index) => epsilon === null || s[a]![index]! < most + epsilon);
      const n = negatives[a]!.filter((index) => epsilon === null || s[a]![index]! > least - epsilon);
      const sumP = p.reduce((sum, index) => sum + Math.exp(-alpha * (s[a]![index]! - base)), 0);
      const sumN = n.reduce((sum, index) => sum + Math.exp(beta * (s[a]![index]! - base)), 0);
      return Math.log(1 + sumP) / alpha + Math.log(1 + sumN) / beta;
    });
    return { loss: losses.reduce((sum, loss) => sum + loss, 0) / count, mined: null };
  }
  const losses = labels.flatMap((_, a) => {
    if (positives[a]!.length === 0) return [];
    const total = others(a, () => true).reduce((sum, other) => sum + Math.exp(s[a]![other]! / options.temperature), 0);
    return [mean(positives[a]!.map((p) => Math.log(total) - s[a]![p]! / options.temperature))];
  });
  return { loss: mean(losses), mined: null };
}

function mean(values: readonly number[]): number {
  return values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length;
}

async function emitted(
  features: readonly number[],
  labels: readonly number[],
  options: PairLossOptions,
): Promise<{ loss: number; mined: number | null; gradient: readonly number[] }> {
  const graph = new GraphBuilder();
  const x = graph.input('x', 'float32', ['N', DIMENSION]);
  const positive = graph.input('positive', 'float32', ['N', 'N']);
  const negative = graph.input('negative', 'float32', ['N', 'N']);
  const { loss, minedTriplets } = emitPairLoss(l2Normalise(x), { positive, negative }, options);
  graph.output('loss', loss);
  if (minedTriplets !== null) graph.output('mined', minedTriplets);
  graph.output('gradient', gradients([{ output: loss, cotangent: graph.scalar('float32', 1) }], [x])[0]!);
  const masks = pairMasks(labels);
  const square = [labels.length, labels.length];
  const found = await run(graph.model(), {
    x: { type: 'float32', dims: [labels.length, DIMENSION], values: features },
    positive: { type: 'float32', dims: square, values: [...masks.positive] },
    negative: { type: 'float32', dims: square, values: [...masks.negative] },
  });
  return { loss: found['loss']!.values[0]!, mined: found['mined']?.values[0] ?? null, gradient: found['gradient']!.values };
}

const TRIPLET = { kind: 'triplet', margin: 0.6, miner: 'semihard', minerMargin: 0.3 } as const;
const MULTI = { kind: 'multi-similarity', alpha: 2, beta: 50, base: 0.5, epsilon: 0.1 } as const;
const OPTIONS: readonly (readonly [string, PairLossOptions])[] = [
  ['triplet, semi-hard', TRIPLET],
  ['triplet, hard', { ...TRIPLET, miner: 'hard' }],
  ['triplet, all', { ...TRIPLET, miner: 'all' }],
  ['triplet, nothing mined', { ...TRIPLET, minerMargin: -5 }],
  ['multi-similarity, mined', MULTI],
  ['multi-similarity, all pairs', { ...MULTI, epsilon: null }],
  ['supervised contrastive', { kind: 'supervised-contrastive', temperature: 0.1 }],
  ['supervised contrastive, a temperature that overflows a plain exponential', { kind: 'supervised-contrastive', temperature: 0.005 }],
];
const LABELS: readonly (readonly [string, readonly number[]])[] = [
  ['pairs and triples', [0, 0, 1, 1, 1, 2, 2]],
  ['a class with one picture', [0, 0, 1, 2, 2]],
  ['one class', [3, 3, 3]],
  ['no two of a class', [1, 2, 3]],
];

describe.each(OPTIONS)('%s', (_, options) => {
  it.each(LABELS)('is what its paper says, with the gradient of that: %s', async (_name, labels) => {
    const random = seededRandom(9);
    const features = Array.from({ length: labels.length * DIMENSION }, () => Math.fround(random() * 2 - 1));
    const found = await emitted(features, labels, options);
    const expected = reference(features, labels, options);
    expect(found.loss).toBeCloseTo(expected.loss, 4);
    expect(found.mined).toBe(expected.mined);
    const step = 1e-6;
    features.forEach((value, index) => {
      const [below, above] = [-step, step].map((distance) => reference(features.with(index, value + distance), labels, options).loss);
      const numeric = (above! - below!) / (2 * step);
      expect(Math.abs(found.gradient[index]! - numeric)).toBeLessThan(2e-4 * Math.max(1, Math.abs(numeric)));
    });
  });
});

describe('normalised softmax', () => {
  const CLASSES = 3;
  const NAMES = ['x', 'proxies'] as const;

  /** As its paper defines it, with smoothed labels, in loops and double precision. */
  function softmaxReference(features: readonly number[], proxies: readonly number[], labels: readonly number[], smoothing: number): number {
    const normalised = (values: readonly number[], row: number): number[] => {
      const own = values.slice(row * DIMENSION, (row + 1) * DIMENSION);
      return own.map((value) => value / Math.hypot(...own));
    };
    return mean(
      labels.map((label, row) => {
        const embedding = normalised(features, row);
        const logits = Array.from({ length: CLASSES }, (_, one) => {
          const proxy = normalised(proxies, one);
          return embedding.reduce((sum, value, at) => sum + value * proxy[at]!, 0) / 0.1;
        });
        const total = Math.log(logits.reduce((sum, logit) => sum + Math.exp(logit), 0));
        return logits.reduce((sum, logit, one) => sum + ((one === label ? 1 - smoothing : 0) + smoothing / CLASSES) * (total - logit), 0);
      }),
    );
  }

  it.each([0, 0.1])('is what its paper says, with the gradients of that, labels smoothed by %f', async (smoothing) => {
    const random = seededRandom(4);
    const labels = [0, 2, 2, 0, 1];
    const given = {
      x: Array.from({ length: labels.length * DIMENSION }, () => Math.fround(random() * 2 - 1)),
      proxies: Array.from({ length: CLASSES * DIMENSION }, () => Math.fround(random() * 2 - 1)),
    };
    const graph = new GraphBuilder();
    const x = graph.input('x', 'float32', ['N', DIMENSION]);
    const proxies = graph.input('proxies', 'float32', [CLASSES, DIMENSION]);
    const targets = graph.input('targets', 'float32', ['N', CLASSES]);
    const { loss } = normalisedSoftmaxLoss(l2Normalise(x), proxies, targets, { kind: 'normalised-softmax', temperature: 0.1, smoothing });
    graph.output('loss', loss);
    gradients([{ output: loss, cotangent: graph.scalar('float32', 1) }], [x, proxies]).forEach((gradient, index) => {
      graph.output(`gradient:${NAMES[index]!}`, gradient!);
    });
    const found = await run(graph.model(), {
      x: { type: 'float32', dims: [labels.length, DIMENSION], values: given.x },
      proxies: { type: 'float32', dims: [CLASSES, DIMENSION], values: given.proxies },
      targets: { type: 'float32', dims: [labels.length, CLASSES], values: [...oneHot(labels, CLASSES)] },
    });
    expect(found['loss']!.values[0]!).toBeCloseTo(softmaxReference(given.x, given.proxies, labels, smoothing), 4);
    for (const name of NAMES) {
      given[name].forEach((value, index) => {
        const [below, above] = [-1e-6, 1e-6].map((distance) => {
          const moved = { ...given, [name]: given[name].with(index, value + distance) };
          return softmaxReference(moved.x, moved.proxies, labels, smoothing);
        });
        const numeric = (above! - below!) / 2e-6;
        expect(Math.abs(found[`gradient:${name}`]!.values[index]! - numeric)).toBeLessThan(2e-4 * Math.max(1, Math.abs(numeric)));
      });
    }
  });

  it('takes labels of its classes only', () => {
    expect([...oneHot([1, 0], 2)]).toEqual([0, 1, 1, 0]);
    expect(() => oneHot([2], 2)).toThrow('Label 2 is none of 2 classes');
    expect(() => oneHot([0.5], 2)).toThrow(TypeError);
  });
});
