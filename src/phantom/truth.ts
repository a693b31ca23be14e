import type { Disturbance } from './disturbance.js';
import type { Tract } from './anatomy/anatomy.js';

/** What is true of one frame of a simulated procedure; one line of `truth.ndjson`. */
export interface FrameTruth {
  readonly frame: number;
  readonly ptsUs: number;
  readonly tract: Tract;
  /** The part of the tract that holds the tip, or `out-of-body`. */
  readonly site: string;
  /** Landmark of the visit that this frame belongs to, or null; a glimpse shorter than {@link SHORTEST_VISIT_US} is no visit. */
  readonly landmark: string | null;
  /** How much of the nearest landmark this very picture shows, 0…1; a red-out within a visit has 0. */
  readonly visibility: number;
  /** Disturbances that can be seen in this picture. */
  readonly flags: readonly Disturbance[];
  /** Position in mm; unit vectors along the view and up in the picture. */
  readonly pose: {
    readonly positionMm: readonly [number, number, number];
    readonly forward: readonly [number, number, number];
    readonly up: readonly [number, number, number];
  };
}

/** Shorter than this, what passes by is not a visit that a reader of the video would call one, µs. */
export const SHORTEST_VISIT_US = 1_000_000;

/** A landmark in view over an interval, both ends included. */
export interface Visit {
  readonly landmark: string;
  readonly startPtsUs: number;
  readonly endPtsUs: number;
}

/** The visits of a procedure, in order: runs of frames with one landmark. */
export function visitsOf(truth: readonly FrameTruth[]): Visit[] {
  const visits: Visit[] = [];
  let open: { landmark: string; startPtsUs: number; endPtsUs: number } | null = null;
  for (const { landmark, ptsUs } of truth) {
    if (open !== null && open.landmark === landmark) {
      open.endPtsUs = ptsUs;
      continue;
    }
    if (open !== null) visits.push(open);
    open = landmark === null ? null : { landmark, startPtsUs: ptsUs, endPtsUs: ptsUs };
  }
  if (open !== null) visits.push(open);
  return visits;
}

export function formatTruth(truth: readonly FrameTruth[]): string {
  return truth.map((frame) => `${JSON.stringify(frame)}\n`).join('');
}

/** @throws SyntaxError where a line is not JSON. */
export function parseTruth(text: string): FrameTruth[] {
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .map((line) => JSON.parse(line) as FrameTruth);
}
