import type { Dimension, Shape } from './graph.js';

/*
 * Arithmetic on lengths that may be symbolic. A symbolic length is a product `c*A*B` of a whole number and names; that covers what
 * networks with a free batch size need (merging axes, splitting them again). Anything else, such as a sum, gets a name of
 * its own: two such lengths are equal only if they were written alike.
 */

interface Product {
  readonly factor: number;
  readonly symbols: readonly string[];
}

/** 'N', 3 → '3*N'. */
export function multiplyDimensions(...dimensions: readonly Dimension[]): Dimension {
  const products = dimensions.map(parse);
  return format({
    factor: products.reduce((factor, product) => factor * product.factor, 1),
    symbols: products.flatMap((product) => product.symbols),
  });
}

/** '6*N' / 3 → '2*N'; null where the quotient is not known to be whole. */
export function divideDimension(dividend: Dimension, divisor: Dimension): Dimension | null {
  const above = parse(dividend);
  const below = parse(divisor);
  if (below.factor === 0 || above.factor % below.factor !== 0) return null;
  const symbols = [...above.symbols];
  for (const symbol of below.symbols) {
    const index = symbols.indexOf(symbol);
    if (index < 0) return null;
    symbols.splice(index, 1);
  }
  return format({ factor: above.factor / below.factor, symbols });
}

/** A name for the result of something that is not a product, e.g. `(N+1)`. */
export function opaqueDimension(expression: string): Dimension {
  return `(${expression.replaceAll('*', '·')})`;
}

export function addDimensions(...dimensions: readonly Dimension[]): Dimension {
  if (dimensions.every((dimension) => typeof dimension === 'number')) return dimensions.reduce((sum, dimension) => sum + dimension, 0);
  const products = dimensions.map(parse);
  const symbols = products[0]?.symbols ?? [];
  if (products.every((product) => sameSymbols(product.symbols, symbols))) {
    return format({ factor: products.reduce((sum, product) => sum + product.factor, 0), symbols });
  }
  return opaqueDimension(dimensions.join('+'));
}

export function elementsOf(shape: Shape): Dimension {
  return multiplyDimensions(...shape);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((dimension, index) => dimension === b[index]);
}

/** Numpy broadcasting. Returns null when the shapes do not go together. */
export function broadcastShapes(...shapes: readonly Shape[]): Shape | null {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  const result: Dimension[] = [];
  for (let axis = 0; axis < rank; axis++) {
    let length: Dimension = 1;
    for (const shape of shapes) {
      const other = shape[axis - (rank - shape.length)] ?? 1;
      if (other === 1 || other === length) continue;
      if (length === 1) length = other;
      // Two unequal lengths of which one is symbolic may turn out equal when the graph runs; the known one is the better guess.
      else if (typeof length === 'string') length = other;
      else if (typeof other === 'number') return null;
    }
    result.push(length);
  }
  return result;
}

/** Axis counted from the front. @throws RangeError when the tensor has no such axis. */
export function normalAxis(axis: number, rank: number): number {
  const normal = axis < 0 ? axis + rank : axis;
  if (!Number.isInteger(axis) || normal < 0 || normal >= rank)
    throw new RangeError(`no axis ${String(axis)} in a tensor of rank ${String(rank)}`);
  return normal;
}

export function formatShape(shape: Shape): string {
  return `[${shape.join(', ')}]`;
}

function parse(dimension: Dimension): Product {
  if (typeof dimension === 'number') return { factor: dimension, symbols: [] };
  let factor = 1;
  const symbols: string[] = [];
  for (const part of dimension.split('*')) {
    if (/^\d+$/.test(part)) factor *= Number(part);
    else symbols.push(part);
  }
  return { factor, symbols };
}

function format({ factor, symbols }: Product): Dimension {
  if (symbols.length === 0 || factor === 0) return factor;
  return [...(factor === 1 ? [] : [String(factor)]), ...[...symbols].sort()].join('*');
}

function sameSymbols(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join('*') === [...b].sort().join('*');
}
