import { ARITHMETIC } from './arithmetic.js';
import { ATTENTION } from './attention.js';
import { CONVOLUTION } from './convolution.js';
import { ELEMENTWISE } from './elementwise.js';
import { NORMALISATION } from './normalisation.js';
import { PRODUCTS } from './products.js';
import { REDUCTIONS } from './reductions.js';
import type { Rule } from './rule.js';
import { SELECTION } from './selection.js';
import { SHAPES } from './shapes.js';

/** Vector-Jacobian products by operator. */
export const RULES: ReadonlyMap<string, Rule> = new Map([
  ...ARITHMETIC,
  ...ELEMENTWISE,
  ...PRODUCTS,
  ...SHAPES,
  ...REDUCTIONS,
  ...NORMALISATION,
  ...SELECTION,
  ...CONVOLUTION,
  ...ATTENTION,
]);
