/** Convex polygons, corners in order around the centre, y downwards. */
import { rowSpans, type Point } from '../media/row-spans.js';

/** Andrew's monotone chain. */
export function convexHull(points: readonly Point[]): Point[] {
  const sorted = [...points].sort((a, b) => a[0] - b[0] || a[1] - b[1]);
  const half = (ordered: readonly Point[]): Point[] => {
    const chain: Point[] = [];
    for (const point of ordered) {
      while (chain.length >= 2 && turn(chain.at(-2) ?? point, chain.at(-1) ?? point, point) <= 0) chain.pop();
      chain.push(point);
    }
    chain.pop();
    return chain;
  };
  return [...half(sorted), ...half(sorted.toReversed())];
}

export function polygonArea(polygon: readonly Point[]): number {
  let twice = 0;
  for (const [index, [x, y]] of polygon.entries()) {
    const [nextX, nextY] = polygon[(index + 1) % polygon.length] ?? [x, y];
    twice += x * nextY - nextX * y;
  }
  return Math.abs(twice) / 2;
}

/** The part of a convex polygon where `nx * x + ny * y <= limit`. */
export function clipped(polygon: readonly Point[], nx: number, ny: number, limit: number): Point[] {
  const out: Point[] = [];
  for (const [index, point] of polygon.entries()) {
    const next = polygon[(index + 1) % polygon.length] ?? point;
    const here = nx * point[0] + ny * point[1] - limit;
    const there = nx * next[0] + ny * next[1] - limit;
    if (here <= 0) out.push(point);
    if (here < 0 !== there < 0 && here !== 0 && there !== 0) {
      const share = here / (here - there);
      out.push([point[0] + share * (next[0] - point[0]), point[1] + share * (next[1] - point[1])]);
    }
  }
  return out;
}

const DIRECTIONS = 48;
/** A strip along the rim of an outline with less than this share lit is a bulge, not the field of view. */
const RIM_LIT = 0.45;
/** No more than this share of the region is given up to straighten an outline. */
const MAX_GIVEN_UP = 0.04;

/**
 * Takes bulges off a hull: where writing or a small picture touches the lit region, the hull around both is mostly black. Each of many
 * half-planes is moved inwards until the strip along its edge is lit, unless that would give up part of the region itself.
 */
export function trimmed(hull: readonly Point[], mask: Uint8Array, width: number, height: number): Point[] {
  const sums = rowSums(mask, width, height);
  let polygon: Point[] = [...hull];
  const total = count(polygon, sums).lit;
  let givenUp = 0;
  for (let k = 0; k < DIRECTIONS; k += 1) {
    const angle = (2 * Math.PI * k) / DIRECTIONS;
    const nx = Math.cos(angle);
    const ny = Math.sin(angle);
    const strip = 2;
    const support = Math.max(...polygon.map(([x, y]) => nx * x + ny * y));
    const before = count(polygon, sums);
    let inner = before;
    let limit = support;
    for (;;) {
      const next = clipped(polygon, nx, ny, limit - strip);
      if (next.length < 3) break;
      const rest = count(next, sums);
      const area = inner.area - rest.area;
      if (area > 0 && (inner.lit - rest.lit) / area >= RIM_LIT) break;
      if (givenUp + before.lit - rest.lit > MAX_GIVEN_UP * total) {
        limit = support;
        break;
      }
      limit -= strip;
      inner = rest;
      if (support - limit > Math.max(width, height) / 2) break;
    }
    if (limit < support) {
      givenUp += before.lit - inner.lit;
      polygon = clipped(polygon, nx, ny, limit);
    }
  }
  return polygon;
}

interface RowSums {
  readonly width: number;
  readonly height: number;
  /** `[height, width + 1]`: how many pixels of the row are set before this one. */
  readonly before: Uint16Array;
}

function rowSums(mask: Uint8Array, width: number, height: number): RowSums {
  const before = new Uint16Array((width + 1) * height);
  for (let y = 0; y < height; y += 1) {
    const row = y * (width + 1);
    for (let x = 0; x < width; x += 1) before[row + x + 1] = (before[row + x] ?? 0) + (mask[y * width + x] ?? 0);
  }
  return { width, height, before };
}

function count(polygon: readonly Point[], { width, height, before }: RowSums): { area: number; lit: number } {
  const spans = rowSpans(polygon, width, height);
  let area = 0;
  let lit = 0;
  for (let y = 0; y < height; y += 1) {
    const from = spans[2 * y] ?? 0;
    const to = spans[2 * y + 1] ?? 0;
    const row = y * (width + 1);
    lit += (before[row + to] ?? 0) - (before[row + from] ?? 0);
    area += to - from;
  }
  return { area, lit };
}

/** Leaves out corners whose absence moves the outline by less than `tolerance` px. */
export function simplified(polygon: readonly Point[], tolerance: number): Point[] {
  const corners = [...polygon];
  while (corners.length > 4) {
    let least = Infinity;
    let at = -1;
    for (const [index, point] of corners.entries()) {
      const before = corners[(index + corners.length - 1) % corners.length] ?? point;
      const after = corners[(index + 1) % corners.length] ?? point;
      const base = Math.hypot(after[0] - before[0], after[1] - before[1]);
      const away = base === 0 ? 0 : Math.abs(turn(before, point, after)) / base;
      if (away < least) {
        least = away;
        at = index;
      }
    }
    if (least >= tolerance) break;
    corners.splice(at, 1);
  }
  return corners;
}

function turn(a: Point, b: Point, c: Point): number {
  return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]);
}
