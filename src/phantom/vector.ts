/** A point or direction, mm or unit length. */
export type Vector = readonly [x: number, y: number, z: number];

/** Unit quaternion, x y z w. */
export type Quaternion = readonly [x: number, y: number, z: number, w: number];

export function add(a: Vector, b: Vector): Vector {
  return [a[0] + b[0], a[1] + b[1], a[2] + b[2]];
}

export function subtract(a: Vector, b: Vector): Vector {
  return [a[0] - b[0], a[1] - b[1], a[2] - b[2]];
}

export function scale(a: Vector, factor: number): Vector {
  return [a[0] * factor, a[1] * factor, a[2] * factor];
}

export function dot(a: Vector, b: Vector): number {
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

function cross(a: Vector, b: Vector): Vector {
  return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];
}

export function lengthOf(a: Vector): number {
  return Math.sqrt(dot(a, a));
}

export function normalize(a: Vector): Vector {
  const length = lengthOf(a);
  return length > 1e-9 ? scale(a, 1 / length) : [0, 0, 1];
}

export function mix(a: Vector, b: Vector, weight: number): Vector {
  return [a[0] + (b[0] - a[0]) * weight, a[1] + (b[1] - a[1]) * weight, a[2] + (b[2] - a[2]) * weight];
}

/** Rotation about a unit axis. */
export function turn(axis: Vector, angleRad: number): Quaternion {
  const half = Math.sin(angleRad / 2);
  return [axis[0] * half, axis[1] * half, axis[2] * half, Math.cos(angleRad / 2)];
}

/** First `b`, then `a`. */
export function compose(a: Quaternion, b: Quaternion): Quaternion {
  return [
    a[3] * b[0] + a[0] * b[3] + a[1] * b[2] - a[2] * b[1],
    a[3] * b[1] - a[0] * b[2] + a[1] * b[3] + a[2] * b[0],
    a[3] * b[2] + a[0] * b[1] - a[1] * b[0] + a[2] * b[3],
    a[3] * b[3] - a[0] * b[0] - a[1] * b[1] - a[2] * b[2],
  ];
}

export function rotate(q: Quaternion, v: Vector): Vector {
  const axis: Vector = [q[0], q[1], q[2]];
  const t = scale(cross(axis, v), 2);
  return add(add(v, scale(t, q[3])), cross(axis, t));
}

/** Spherical interpolation along the shorter arc. */
export function slerp(a: Quaternion, b: Quaternion, weight: number): Quaternion {
  let cosine = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3];
  const sign = cosine < 0 ? -1 : 1;
  cosine *= sign;
  let wa = 1 - weight;
  let wb = weight;
  if (cosine < 0.9995) {
    const angle = Math.acos(cosine);
    wa = Math.sin(wa * angle) / Math.sin(angle);
    wb = Math.sin(wb * angle) / Math.sin(angle);
  }
  wb *= sign;
  const q: Quaternion = [a[0] * wa + b[0] * wb, a[1] * wa + b[1] * wb, a[2] * wa + b[2] * wb, a[3] * wa + b[3] * wb];
  const norm = 1 / Math.sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
  return [q[0] * norm, q[1] * norm, q[2] * norm, q[3] * norm];
}

/** The rotation of a camera that looks along `forward` with `up` as near to up as it can be: it takes z to forward, y to up and −x to right. */
export function lookRotation(forward: Vector, up: Vector): Quaternion {
  const f = normalize(forward);
  let side = cross(f, up);
  if (lengthOf(side) < 1e-6) side = cross(f, Math.abs(f[0]) < 0.9 ? [1, 0, 0] : [0, 1, 0]);
  const r = normalize(side);
  const u = cross(r, f);
  return fromAxes(r, u, f);
}

function fromAxes(right: Vector, up: Vector, forward: Vector): Quaternion {
  const [m00, m10, m20] = scale(right, -1);
  const [m01, m11, m21] = up;
  const [m02, m12, m22] = forward;
  const trace = m00 + m11 + m22;
  if (trace > 0) {
    const s = 2 * Math.sqrt(trace + 1);
    return [(m21 - m12) / s, (m02 - m20) / s, (m10 - m01) / s, s / 4];
  }
  if (m00 > m11 && m00 > m22) {
    const s = 2 * Math.sqrt(1 + m00 - m11 - m22);
    return [s / 4, (m01 + m10) / s, (m02 + m20) / s, (m21 - m12) / s];
  }
  if (m11 > m22) {
    const s = 2 * Math.sqrt(1 + m11 - m00 - m22);
    return [(m01 + m10) / s, s / 4, (m12 + m21) / s, (m02 - m20) / s];
  }
  const s = 2 * Math.sqrt(1 + m22 - m00 - m11);
  return [(m02 + m20) / s, (m12 + m21) / s, s / 4, (m10 - m01) / s];
}
