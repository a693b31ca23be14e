import { defer, filter, from, map, merge, mergeMap, share, type Observable, type ObservableInput, type OperatorFunction } from 'rxjs';
import type { AnalysisFrame, CaptureEvent, FrameSource } from './capture/frame.js';
import type { Tract } from './common/landmarks.js';
import type { Embedder, QualityMeasures } from './inference/embedder.js';
import { inOrder } from './inference/in-order.js';
import { latestWins } from './inference/latest-wins.js';
import type { Gallery } from './retrieval/gallery.js';
import type { Detection } from './tracking/detection.js';
import { judgeQuality } from './tracking/quality.js';
import type { Sighting } from './tracking/sighting.js';
import { track, type TrackingUpdate } from './tracking/track.js';
import { trackerOptionsFor } from './tracking/gallery-options.js';
import type { TrackerOptions } from './tracking/options.js';
import { createTracker, type Tracker } from './tracking/tracker.js';

/** A detection with what it cost. */
export interface TimedDetection extends Detection {
  readonly type: 'detection';
  /** When the frame left the demuxer, ms of `performance.now()`. */
  readonly capturedAtMs: number;
  /** Inside `InferenceSession.run`, ms. */
  readonly inferenceMs: number;
  /** What the quality was judged by. */
  readonly measures: QualityMeasures;
}

/** What the tracker says after one analysed frame, or at the end of the source (`detection` is then null). */
export interface TrackedFrame extends TrackingUpdate<TimedDetection> {
  readonly type: 'tracked';
}

export type PipelineEvent = Exclude<CaptureEvent, AnalysisFrame> | TrackedFrame;

export interface PipelineOptions {
  readonly source: FrameSource;
  readonly embedder: Embedder;
  /** What an embedding is matched with; tells the tracker its labels and how often it errs. */
  readonly gallery: Pick<Gallery, 'match' | 'labels' | 'manifest'>;
  /** Which tract is examined; asked at each detection, since a checklist may be changed while a source plays. Default: either. */
  readonly tract?: () => Tract | null;
  /**
   * Counts procedures; asked at each detection. When it has changed, what is in view closes and the tracker starts afresh, so that a
   * procedure owes nothing to what came before it. Default: always 0.
   */
  readonly episode?: () => number;
  /** Parameters of the tracker other than its defaults. */
  readonly tracker?: Partial<TrackerOptions>;
  /**
   * `latest` (default of live sources) analyses the newest frame and drops what waited; `every` analyses every frame and makes
   * the source wait.
   */
  readonly policy?: 'latest' | 'every';
  /** Told the number of analysis frames dropped so far, on each drop. */
  readonly onDrop?: (droppedFrames: number) => void;
}

/** What comes out of a source when its pictures were analysed. */
type Analysed = Exclude<CaptureEvent, AnalysisFrame> | TimedDetection;

/** By a batch of the model. Previews count too: enough for it to find its next batch waiting when it has finished one. */
const EVENTS_IN_FLIGHT = 4;

/**
 * source → slot → batch → inference → match → track, for one source (sources that share `embedder` share its batches). Cold; subscribe once. Completes when the source ends, after its last
 * frame was tracked; errors with what ended the source otherwise. The caller disposes of source and embedder.
 */
export function trackLandmarks({
  source,
  embedder,
  gallery,
  tract,
  episode,
  tracker,
  policy,
  onDrop,
}: PipelineOptions): Observable<PipelineEvent> {
  const detect = async (frame: AnalysisFrame): Promise<TimedDetection> => {
    const { sourceId, frameId, ptsUs, capturedAtMs, width, height, pixels } = frame;
    const { embeddings, quality, inferenceMs } = await embedder.embed({ count: 1, width, height, pixels });
    const [measures] = quality;
    if (measures === undefined) throw new RangeError('the embedder answered one picture with none');
    return {
      type: 'detection',
      sourceId,
      frameId,
      ptsUs,
      capturedAtMs,
      inferenceMs,
      measures,
      quality: judgeQuality(measures),
      match: gallery.match(embeddings),
    };
  };

  const trackers = new Map<Tract | null, Tracker>();
  let tracked = 0;
  const trackerNow = (): Tracker => {
    const examined = tract?.() ?? null;
    const now = episode?.() ?? 0;
    if (now !== tracked) trackers.clear();
    tracked = now;
    let found = trackers.get(examined);
    if (found === undefined) {
      found = createTracker({ ...trackerOptionsFor(gallery, examined === null ? null : { tract: examined }), ...tracker });
      trackers.set(examined, found);
    }
    return found;
  };

  const everyFrame = (): Observable<Analysed> =>
    inOrder((event: CaptureEvent): ObservableInput<Analysed> => (event.type === 'analysis' ? detect(event) : [event]), {
      concurrency: EVENTS_IN_FLIGHT * embedder.device.batchLimit,
    })(source);

  // Pictures to look at go straight through; only pictures to analyse pass the one-frame slot.
  const latestFrame = (): Observable<Analysed> => {
    let droppedFrames = 0;
    const captured$ = from(source).pipe(share());
    return merge(
      captured$.pipe(filter((event) => event.type !== 'analysis')),
      captured$.pipe(
        filter((event) => event.type === 'analysis'),
        latestWins(detect, {
          onDrop: () => {
            droppedFrames += 1;
            onDrop?.(droppedFrames);
          },
        }),
      ),
    );
  };

  return defer(() => {
    const events$ = ((policy ?? (source.live ? 'latest' : 'every')) === 'every' ? everyFrame() : latestFrame()).pipe(share());
    // The tracker comes first: when the source fails, it closes what is open before the failure ends the merge.
    return merge(
      events$.pipe(
        filter((event) => event.type === 'detection'),
        track<TimedDetection>(trackerNow),
        map((update): TrackedFrame => ({ type: 'tracked', ...update })),
      ),
      events$.pipe(filter((event) => event.type !== 'detection')),
    );
  });
}

/** The sightings that a pipeline closes, in the order in which they close. */
export function closedSightings(): OperatorFunction<PipelineEvent, Sighting> {
  return mergeMap((event) =>
    event.type === 'tracked' ? event.events.filter(({ type }) => type === 'sighting-closed').map(({ sighting }) => sighting) : [],
  );
}
