/** Readers of the values of flags; each says what it takes when it is given something else. */
import { InvalidArgumentError } from 'commander';
import { parseFieldOfView, type FieldOfViewOption } from '../../capture/options.js';
import type { ClassKind } from '../../common/landmarks.js';

export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It takes a number above 0.');
  return value;
}

/** 0, 1, 2, … */
export function wholeNumber(text: string): number {
  const value = text.trim() === '' ? NaN : Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('It takes a whole number from 0 on.');
  return value;
}

/** 1, 2, 3, … */
export function count(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('It takes a whole number from 1 on.');
  return value;
}

/** A whole number from `least` to `most`. */
export const wholeBetween =
  (least: number, most: number) =>
  (text: string): number => {
    const value = text.trim() === '' ? NaN : Number(text);
    if (!Number.isInteger(value) || value < least || value > most)
      throw new InvalidArgumentError(`It takes a whole number from ${least} to ${most}.`);
    return value;
  };

export function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('It takes a number between 0 and 1.');
  return value;
}

export function list(text: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('It takes a list with commas between.');
  return items;
}

/** For flags that may be given several times. */
export function repeated(text: string, before: readonly string[] | undefined): string[] {
  return [...(before ?? []), text];
}

export const KINDS: readonly ClassKind[] = ['landmark', 'quality', 'finding', 'intervention'];

export function kinds(text: string): ClassKind[] {
  return list(text).map((item) => {
    const kind = KINDS.find((name) => name === item);
    if (kind === undefined) throw new InvalidArgumentError(`It takes a list of ${KINDS.join(', ')}.`);
    return kind;
  });
}

/** `83.5`, `1:23.5` or `0:01:23.5` as µs. */
export function moment(text: string): number {
  const parts = text.split(':').map(Number);
  if (parts.length > 3 || parts.some((part) => !(part >= 0))) throw new InvalidArgumentError('It takes seconds, or h:mm:ss.');
  return Math.round(parts.reduce((seconds, part) => seconds * 60 + part, 0) * 1e6);
}

export function fieldOfView(text: string): FieldOfViewOption {
  parseFieldOfView(text);
  return text as FieldOfViewOption;
}
