import { embeddingsOf, fitOn, rowsOf, type PictureSet } from './picture-set.js';
import type { FittableModel, Model } from '../models/model.js';

/** What is evaluated: rows with labels and a way to their embeddings. */
export interface Subject {
  /** Of the model, or of the file that the embeddings come from. */
  readonly name: string;
  readonly labels: readonly string[];
  /** `[labels.length, dimension]`, L2-normalised, by a model that was fitted on `fit` alone where it is fitted at all. */
  embed(fit: readonly number[]): Float32Array;
}

/** A model on labelled pictures. What a fit gave is kept for as long as its rows are: fitting takes seconds, and variants share it. */
export function modelSubject(model: Model | FittableModel, set: PictureSet): Subject {
  const fitted = new WeakMap<readonly number[], Float32Array>();
  return {
    name: model.name,
    labels: set.labels,
    embed(fit) {
      if (!('fitted' in model)) return set.embeddings;
      const embeddings = fitted.get(fit) ?? embeddingsOf(model, set, fitOn(model, set, fit));
      fitted.set(fit, embeddings);
      return embeddings;
    },
  };
}

/** Embeddings as they are. */
export function fixedSubject(name: string, labels: readonly string[], embeddings: Float32Array): Subject {
  return { name, labels, embed: () => embeddings };
}

/** Some rows of `[count, d]` embeddings, with their labels. */
export function partOf(
  labels: readonly string[],
  embeddings: Float32Array,
  rows: readonly number[],
): { readonly embeddings: Float32Array; readonly labels: readonly string[] } {
  return { embeddings: rowsOf(embeddings, labels.length, rows), labels: rows.map((row) => labels[row] ?? '') };
}
