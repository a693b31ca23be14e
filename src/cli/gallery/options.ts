import { InvalidArgumentError } from 'commander';
import type { ClassKind } from '../../common/landmarks.js';

export const KINDS: readonly ClassKind[] = ['landmark', 'quality', 'finding', 'intervention'];

export function list(text: string): string[] {
  const items = text.split(',').map((item) => item.trim());
  if (items.includes('')) throw new InvalidArgumentError('It takes a list with commas between.');
  return items;
}

export function kinds(text: string): ClassKind[] {
  return list(text).map((item) => {
    const kind = KINDS.find((name) => name === item);
    if (kind === undefined) throw new InvalidArgumentError(`It takes a list of ${KINDS.join(', ')}.`);
    return kind;
  });
}

export function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1) throw new InvalidArgumentError('It takes a whole number from 1 on.');
  return value;
}

export function share(text: string): number {
  const value = Number(text);
  if (!(value > 0 && value < 1)) throw new InvalidArgumentError('It takes a number between 0 and 1.');
  return value;
}

/** `83.5`, `1:23.5` or `0:01:23.5` as µs. */
export function moment(text: string): number {
  const parts = text.split(':').map(Number);
  if (parts.length > 3 || parts.some((part) => !(part >= 0))) throw new InvalidArgumentError('It takes seconds, or h:mm:ss.');
  return Math.round(parts.reduce((seconds, part) => seconds * 60 + part, 0) * 1e6);
}
