import type { FittableModel, Model } from '../models/model.js';
import type { PictureSet } from './picture-set.js';
import { modelSubject, type Subject } from './subject.js';

/**
 * A model and what is left of it without its parts: each backbone alone, and the backbones side by side without the fusion head. The
 * model itself comes first. A model of one backbone without a head has no such variants.
 */
export function variantsOf(model: Model | FittableModel, set: PictureSet): Subject[] {
  const whole = modelSubject(model, set);
  const names = 'fitted' in model ? model.base.backbones : model.backbones;
  if ('fitted' in model) return [whole, ...names.map((_, at) => fittedPart(whole, set, names, at))];
  const count = set.labels.length;
  const features = names.map((name) => normaliseRows(set.features[name] ?? new Float32Array(), count));
  const fixed = (name: string, embeddings: Float32Array): Subject => ({ name, labels: set.labels, embed: () => embeddings });
  return [
    whole,
    ...names.map((name, at) => fixed(`${name} alone`, features[at] ?? new Float32Array())),
    ...(names.length > 1 ? [fixed('concatenation, no head', normaliseRows(sideBySide(features, count), count))] : []),
  ];
}

/**
 * The directions that one backbone adds to a fitted model, one backbone after the other: all keep the same number, or everything where there
 * are too few pictures to choose by.
 */
function fittedPart(whole: Subject, set: PictureSet, names: readonly string[], at: number): Subject {
  const count = whole.labels.length;
  const raw = names.map((name) => (set.features[name]?.length ?? 0) / count);
  return {
    name: `${names[at] ?? ''} alone`,
    labels: whole.labels,
    embed(fit) {
      const all = whole.embed(fit);
      const width = all.length / count;
      const isRaw = sumOf(raw) === width;
      const share = isRaw ? (raw[at] ?? 0) : width / names.length;
      const start = isRaw ? sumOf(raw.slice(0, at)) : at * share;
      const part = Float32Array.from(
        { length: count * share },
        (_, index) => all[Math.floor(index / share) * width + start + (index % share)] ?? 0,
      );
      return normaliseRows(part, count);
    },
  };
}

function sumOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0);
}

/** Each of `count` rows divided by its length; rows of zeros stay. */
export function normaliseRows(values: Float32Array, count: number): Float32Array {
  const length = values.length / Math.max(1, count);
  const rows = Float32Array.from(values);
  for (let start = 0; start < rows.length; start += length) {
    const row = rows.subarray(start, start + length);
    const norm = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0));
    if (norm > 0) row.forEach((value, at) => (row[at] = value / norm));
  }
  return rows;
}

function sideBySide(parts: readonly Float32Array[], count: number): Float32Array {
  const lengths = parts.map((part) => part.length / count);
  const width = lengths.reduce((sum, length) => sum + length, 0);
  const all = new Float32Array(count * width);
  for (let row = 0; row < count; row++) {
    let at = row * width;
    parts.forEach((part, index) => {
      const length = lengths[index] ?? 0;
      all.set(part.subarray(row * length, (row + 1) * length), at);
      at += length;
    });
  }
  return all;
}
