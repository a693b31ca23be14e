/*
 * Dense linear algebra of the sizes that fitting statistics needs (some hundreds of rows), in float64. Matrices are stored row by row.
 */

export interface Eigen {
  /** Largest first. */
  readonly values: Float64Array;
  /** Row i is the unit eigenvector of `values[i]`. */
  readonly vectors: Float64Array;
}

/**
 * Eigenvalues and eigenvectors of a symmetric matrix `[size, size]`: Householder reduction to tridiagonal form, then QL with implicit
 * shifts (Golub and Van Loan, Matrix Computations, 8.3).
 *
 * @throws RangeError when the iteration does not converge, which only happens for values that are not finite.
 */
export function symmetricEigen(matrix: Float64Array, size: number): Eigen {
  const v = Float64Array.from(matrix);
  const d = new Float64Array(size);
  const e = new Float64Array(size);
  tridiagonalise(v, d, e, size);
  // What comes turns columns; as rows they lie side by side in memory.
  transpose(v, size);
  diagonalise(v, d, e, size);
  const order = [...d.keys()].sort((a, b) => at(d, b) - at(d, a));
  const values = Float64Array.from(order, (index) => at(d, index));
  const vectors = new Float64Array(size * size);
  order.forEach((from, row) => {
    vectors.set(v.subarray(from * size, (from + 1) * size), row * size);
  });
  return { values, vectors };
}

/** a `[rows, inner]` times the transpose of b `[columns, inner]`. */
export function multiplyTransposed(a: Float64Array, b: Float64Array, rows: number, inner: number, columns: number): Float64Array {
  const product = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let sum = 0;
      for (let k = 0; k < inner; k++) sum += at(a, i * inner + k) * at(b, j * inner + k);
      product[i * columns + j] = sum;
    }
  }
  return product;
}

/** Indices are in range by construction of the loops; the fallback only satisfies the compiler. */
function at(array: Float64Array, index: number): number {
  return array[index] ?? 0;
}

function transpose(matrix: Float64Array, size: number): void {
  for (let row = 1; row < size; row++) {
    for (let column = 0; column < row; column++) {
      const value = at(matrix, row * size + column);
      matrix[row * size + column] = at(matrix, column * size + row);
      matrix[column * size + row] = value;
    }
  }
}

/** Leaves the diagonal in `d`, the subdiagonal in `e[1…]` and the orthogonal transformation in `v`. */
function tridiagonalise(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  const products = new Float64Array(n);
  for (let i = n - 1; i > 0; i--) {
    let h = 0;
    let scale = 0;
    for (let k = 0; k < i; k++) scale += Math.abs(at(v, i * n + k));
    if (i === 1 || scale === 0) {
      e[i] = at(v, i * n + i - 1);
    } else {
      for (let k = 0; k < i; k++) {
        const value = at(v, i * n + k) / scale;
        v[i * n + k] = value;
        h += value * value;
      }
      const f = at(v, i * n + i - 1);
      const g = f >= 0 ? -Math.sqrt(h) : Math.sqrt(h);
      e[i] = scale * g;
      h -= f * g;
      v[i * n + i - 1] = f - g;
      let sum = 0;
      products.fill(0, 0, i);
      // Only the lower triangle is kept up; it is read row by row.
      for (let row = 0; row < i; row++) {
        const factor = at(v, i * n + row);
        let product = at(products, row);
        for (let k = 0; k <= row; k++) {
          product += at(v, row * n + k) * at(v, i * n + k);
          if (k < row) products[k] = at(products, k) + at(v, row * n + k) * factor;
        }
        products[row] = product;
      }
      for (let j = 0; j < i; j++) {
        v[j * n + i] = at(v, i * n + j) / h;
        e[j] = at(products, j) / h;
        sum += at(e, j) * at(v, i * n + j);
      }
      const half = sum / (h + h);
      for (let j = 0; j < i; j++) {
        const value = at(v, i * n + j);
        const step = at(e, j) - half * value;
        e[j] = step;
        for (let k = 0; k <= j; k++) v[j * n + k] = at(v, j * n + k) - value * at(e, k) - step * at(v, i * n + k);
      }
    }
    d[i] = h;
  }
  d[0] = 0;
  for (let i = 0; i < n; i++) {
    if (at(d, i) !== 0) {
      products.fill(0, 0, i);
      for (let k = 0; k < i; k++) {
        const factor = at(v, i * n + k);
        for (let j = 0; j < i; j++) products[j] = at(products, j) + factor * at(v, k * n + j);
      }
      for (let k = 0; k < i; k++) {
        const factor = at(v, k * n + i);
        for (let j = 0; j < i; j++) v[k * n + j] = at(v, k * n + j) - at(products, j) * factor;
      }
    }
    d[i] = at(v, i * n + i);
    v[i * n + i] = 1;
    for (let j = 0; j < i; j++) {
      v[j * n + i] = 0;
      v[i * n + j] = 0;
    }
  }
}

function diagonalise(v: Float64Array, d: Float64Array, e: Float64Array, n: number): void {
  e.copyWithin(0, 1);
  e[n - 1] = 0;
  for (let l = 0; l < n; l++) {
    for (let round = 0; ; round++) {
      let m = l;
      while (m < n - 1) {
        const size = Math.abs(at(d, m)) + Math.abs(at(d, m + 1));
        if (Math.abs(at(e, m)) <= Number.EPSILON * size) break;
        m++;
      }
      if (m === l) break;
      if (round === 60) throw new RangeError('The eigenvalues of a matrix did not converge.');
      let g = (at(d, l + 1) - at(d, l)) / (2 * at(e, l));
      const root = Math.hypot(g, 1);
      g = at(d, m) - at(d, l) + at(e, l) / (g + (g >= 0 ? root : -root));
      let [s, c, p] = [1, 1, 0];
      let underflow = false;
      for (let i = m - 1; i >= l; i--) {
        const f = s * at(e, i);
        const b = c * at(e, i);
        const r = Math.hypot(f, g);
        e[i + 1] = r;
        if (r === 0) {
          d[i + 1] = at(d, i + 1) - p;
          e[m] = 0;
          underflow = true;
          break;
        }
        s = f / r;
        c = g / r;
        const q = at(d, i + 1) - p;
        const t = (at(d, i) - q) * s + 2 * c * b;
        p = s * t;
        d[i + 1] = q + p;
        g = c * t - b;
        const row = i * n;
        for (let k = row; k < row + n; k++) {
          const right = at(v, k + n);
          const left = at(v, k);
          v[k + n] = s * left + c * right;
          v[k] = c * left - s * right;
        }
      }
      if (underflow) continue;
      d[l] = at(d, l) - p;
      e[l] = g;
      e[m] = 0;
    }
  }
}
