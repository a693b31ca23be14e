import * as z from 'zod';
import type { QualityMeasures } from '../inference/embedder.js';
import type { Detection } from '../tracking/detection.js';
import type { Current } from '../tracking/tracker.js';

const count = z.number().int().nonnegative();

/** One line of `detections.ndjson`: what was found in one analysed frame, and what the tracker said then. */
export const DETECTION_SCHEMA = z.strictObject({
  frameId: count,
  /** Of the source; the video's own time is this minus `originPtsUs` of `recording-started`. */
  ptsUs: z.number(),
  /** The photograph, where there is no video: a path below the folder that was audited. */
  picture: z.string().optional(),
  quality: z.strictObject({
    verdict: z.enum(['good', 'blurred', 'dark', 'red-out', 'glare', 'out-of-body']),
    score: z.number(),
    /** See `QualityMeasures`; null where they were not kept. */
    measures: z.record(z.string(), z.number()).nullable(),
  }),
  known: z.boolean(),
  confidence: z.number(),
  /** Best first, in full precision: the tracker run again over these lines gives the same sightings. */
  scores: z.array(z.strictObject({ label: z.string(), score: z.number() })),
  /** Nearest first; `exemplar` is the position in the gallery of that day. */
  neighbours: z.array(z.strictObject({ exemplar: count, label: z.string(), similarity: z.number() })),
  /** What the tracker held to be in view after this frame, and its probability. */
  current: z.strictObject({ landmark: z.string().nullable(), score: z.number() }),
  /** Inside `InferenceSession.run`, ms. */
  inferenceMs: z.number().nonnegative(),
  /** From the demuxer to the tracker's word, ms; null where there was no live picture to be late for. */
  annotationAgeMs: z.number().nonnegative().nullable(),
});
export type DetectionLine = z.output<typeof DETECTION_SCHEMA>;

export interface DetectionFacts {
  readonly measures: QualityMeasures | null;
  readonly current: Current;
  readonly inferenceMs: number;
  readonly annotationAgeMs: number | null;
  readonly picture?: string;
}

/** Similarities are float32 and are only shown: more digits would be noise, and half the file. */
const SIMILARITY_DIGITS = 6;
const TIME_DIGITS = 3;

export function detectionLine(
  { frameId, ptsUs, quality, match }: Detection,
  { measures, current, inferenceMs, annotationAgeMs, picture }: DetectionFacts,
): DetectionLine {
  return {
    frameId,
    ptsUs,
    ...(picture === undefined ? {} : { picture }),
    quality: {
      verdict: quality.verdict,
      score: quality.score,
      measures:
        measures === null ? null : Object.fromEntries(Object.entries(measures).map(([name, value]) => [name, rounded(value as number, 6)])),
    },
    known: match.known,
    confidence: match.confidence,
    scores: match.scores.map(({ label, score }) => ({ label, score })),
    neighbours: match.neighbours.map(({ exemplar, label, similarity }) => ({
      exemplar,
      label,
      similarity: rounded(similarity, SIMILARITY_DIGITS),
    })),
    current: { landmark: current.landmark, score: current.score },
    inferenceMs: rounded(inferenceMs, TIME_DIGITS),
    annotationAgeMs: annotationAgeMs === null ? null : rounded(annotationAgeMs, TIME_DIGITS),
  };
}

/** The detection of a line, as the tracker takes it. */
export function detectionOf(line: DetectionLine, sourceId: string): Detection {
  const { frameId, ptsUs, quality, known, confidence, scores, neighbours } = line;
  return {
    sourceId,
    frameId,
    ptsUs,
    quality: { verdict: quality.verdict, score: quality.score },
    match: { neighbours, scores, known, confidence },
  };
}

function rounded(value: number, digits: number): number {
  return Math.round(value * 10 ** digits) / 10 ** digits;
}
