import type { Ffmpeg } from '../media/ffmpeg.js';
import type { AnalysisFrame } from '../capture/frame.js';
import type { FieldOfViewOption } from '../capture/options.js';
import { openSource } from '../capture/source.js';
import type { Embedder } from '../inference/embedder.js';
import type { Gallery } from '../retrieval/gallery.js';
import type { Detection } from '../tracking/detection.js';
import { judgeQuality } from '../tracking/quality.js';

export interface DetectRecordingOptions {
  readonly gallery: Gallery;
  /** Of the gallery's model. */
  readonly embedder: Embedder;
  /** Frames analysed per second of video; null: every frame. */
  readonly analysisFps: number | null;
  readonly fieldOfView?: FieldOfViewOption;
  readonly ffmpeg?: Ffmpeg;
  /** Frames that may wait for inference. Default 4. */
  readonly readAhead?: number;
  readonly signal?: AbortSignal;
}

/**
 * The detections of a recorded video in order, no frame lost: what the live path would have found with time enough. ffmpeg waits for
 * inference, and inference for the consumer.
 */
export async function* detectRecording(video: string, options: DetectRecordingOptions): AsyncGenerator<Detection, void, undefined> {
  const { gallery, embedder, analysisFps, fieldOfView = 'auto', ffmpeg, readAhead = 4, signal } = options;
  const { width, height } = gallery.model.input;
  const source = await openSource({
    id: video,
    source: video,
    analysis: { width, height, fps: analysisFps },
    preview: null,
    pace: 'fast',
    fieldOfView,
    ...(ffmpeg === undefined ? {} : { ffmpeg }),
    ...(signal === undefined ? {} : { signal }),
  });
  const detect = async (frame: AnalysisFrame): Promise<Detection> => {
    const { sourceId, frameId, ptsUs, pixels } = frame;
    const { embeddings, quality } = await embedder.embed({ count: 1, width, height, pixels });
    const [measures] = quality;
    if (measures === undefined) throw new RangeError('The embedder answered one frame with no quality measures.');
    return { sourceId, frameId, ptsUs, quality: judgeQuality(measures), match: gallery.match(embeddings) };
  };
  const waiting: Promise<Detection>[] = [];
  try {
    for await (const event of source) {
      if (event.type !== 'analysis') continue;
      const detection = detect(event);
      // Whoever awaits it sees the error; until then it must not count as unhandled.
      detection.catch(() => undefined);
      waiting.push(detection);
      const first = waiting.length > readAhead ? waiting.shift() : undefined;
      if (first !== undefined) yield await first;
    }
    for (const detection of waiting) yield await detection;
  } finally {
    await source.dispose();
  }
}
