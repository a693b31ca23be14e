import type { AnalysisFrame, CaptureEvent } from '../capture/frame.js';
import type { Embedder, QualityMeasures } from '../inference/embedder.js';
import type { Gallery } from '../retrieval/gallery.js';
import type { Detection } from '../tracking/detection.js';
import { judgeQuality } from '../tracking/quality.js';

/** A detection with what it was made from and what it cost. */
export interface AnalysedFrame {
  readonly detection: Detection;
  readonly measures: QualityMeasures;
  /** Inside `InferenceSession.run`, ms. */
  readonly inferenceMs: number;
}

export interface AnalyseFramesOptions {
  readonly gallery: Pick<Gallery, 'match'>;
  /** Of the gallery's model. */
  readonly embedder: Embedder;
  /** Frames that may wait for inference. Default: enough to keep the device busy while others are decoded. */
  readonly readAhead?: number;
  /** Told of everything of the source that is no frame to analyse, when it comes. */
  readonly onEvent?: (event: Exclude<CaptureEvent, AnalysisFrame>) => void;
  /** Frames to leave out. Default: none. */
  readonly wants?: (frame: AnalysisFrame) => boolean;
}

const WAITING_BATCHES = 4;

/**
 * Every analysis frame of a source in order, none lost: the source waits for inference, and inference for the consumer. The caller
 * disposes of the source.
 */
export async function* analyseFrames(
  source: AsyncIterable<CaptureEvent>,
  options: AnalyseFramesOptions,
): AsyncGenerator<AnalysedFrame, void, undefined> {
  const { gallery, embedder, onEvent, wants } = options;
  const readAhead = options.readAhead ?? WAITING_BATCHES * embedder.device.batchLimit;
  const analyse = async ({ sourceId, frameId, ptsUs, width, height, pixels }: AnalysisFrame): Promise<AnalysedFrame> => {
    const { embeddings, quality, inferenceMs } = await embedder.embed({ count: 1, width, height, pixels });
    const [measures] = quality;
    if (measures === undefined) throw new RangeError('The embedder answered one frame with no quality measures.');
    const detection = { sourceId, frameId, ptsUs, quality: judgeQuality(measures), match: gallery.match(embeddings) };
    return { detection, measures, inferenceMs };
  };
  const waiting: Promise<AnalysedFrame>[] = [];
  for await (const event of source) {
    if (event.type !== 'analysis') {
      onEvent?.(event);
      continue;
    }
    if (wants?.(event) === false) continue;
    const analysed = analyse(event);
    // Whoever awaits it sees the error; until then it must not count as unhandled.
    analysed.catch(() => undefined);
    waiting.push(analysed);
    const first = waiting.length > readAhead ? waiting.shift() : undefined;
    if (first !== undefined) yield await first;
  }
  for (const analysed of waiting) yield await analysed;
}
