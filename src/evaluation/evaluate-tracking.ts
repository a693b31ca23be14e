import type { Embedder } from '../inference/embedder.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { Gallery } from '../retrieval/gallery.js';
import type { Checklist } from '../tracking/checklist.js';
import type { Detection } from '../tracking/detection.js';
import { trackerOptionsFor } from '../tracking/gallery-options.js';
import { detectRecording } from './detect-recording.js';
import { compareTracking, type TrackingMethod, type TruthRecording } from './tracking-comparison.js';
import { checkSameEnd, findTruthRecordings, readTruth } from './tracking-truth.js';
import type { TrackingMetrics } from './tracking.js';

export interface EvaluateTrackingOptions {
  /** Folder that `findTruthRecordings` reads. */
  readonly directory: string;
  readonly gallery: Gallery;
  /** Of the gallery's model. The caller disposes of it. */
  readonly embedder: Embedder;
  /** Its tract is the tract that is examined; null leaves coverage out and looks for every landmark of the gallery. */
  readonly checklist: Checklist | null;
  /** Frames analysed per second of video; default every frame. */
  readonly analysisFps?: number | null;
  readonly ffmpeg?: Ffmpeg;
  readonly signal?: AbortSignal;
  readonly onRecording?: (done: number, total: number, name: string) => void;
}

/** The metrics of the temporal filter, and of what it has to beat under `baselines`. */
export interface TrackingEvaluation extends TrackingMetrics {
  readonly baselines: Readonly<Record<Exclude<TrackingMethod, 'filter'>, TrackingMetrics>>;
  readonly recordings: readonly string[];
}

/**
 * Runs recordings with truth through the whole chain, no frame lost, and measures what the tracker made of them.
 * @throws UsageError when there is no recording with truth, or a truth is none or not of its video; MediaError when one cannot be played.
 */
export async function evaluateTracking(options: EvaluateTrackingOptions): Promise<TrackingEvaluation> {
  const { gallery, embedder, checklist, analysisFps = null, ffmpeg, signal, onRecording } = options;
  const files = await findTruthRecordings(options.directory);
  // Before hours of analysis: is every truth one?
  const truths = await Promise.all(files.map(({ truth }) => readTruth(truth)));
  const recordings: TruthRecording[] = [];
  for (const [index, { name, video }] of files.entries()) {
    onRecording?.(index, files.length, name);
    const detections: Detection[] = [];
    const detect = detectRecording(video, {
      gallery,
      embedder,
      analysisFps,
      ...(ffmpeg === undefined ? {} : { ffmpeg }),
      ...(signal === undefined ? {} : { signal }),
    });
    for await (const detection of detect) detections.push(detection);
    const truth = truths[index] ?? [];
    checkSameEnd(name, truth, detections.at(-1)?.ptsUs ?? null, analysisFps === null ? 0 : 1e6 / analysisFps);
    recordings.push({ detections, truth });
  }
  onRecording?.(files.length, files.length, '');
  const { filter, ...baselines } = compareTracking(recordings, { tracker: trackerOptionsFor(gallery, checklist), checklist });
  return { ...filter, baselines, recordings: files.map(({ name }) => name) };
}
