import type { Ffmpeg } from '../media/ffmpeg.js';
import type { FieldOfViewOption } from '../capture/options.js';
import { openSource } from '../capture/source.js';
import type { Embedder } from '../inference/embedder.js';
import { analyseFrames } from '../procedure/analyse-frames.js';
import type { Gallery } from '../retrieval/gallery.js';
import type { Detection } from '../tracking/detection.js';

export interface DetectRecordingOptions {
  readonly gallery: Gallery;
  /** Of the gallery's model. */
  readonly embedder: Embedder;
  /** Frames analysed per second of video; null: every frame. */
  readonly analysisFps: number | null;
  readonly fieldOfView?: FieldOfViewOption;
  readonly ffmpeg?: Ffmpeg;
  /** Frames that may wait for inference. */
  readonly readAhead?: number;
  readonly signal?: AbortSignal;
}

/**
 * The detections of a recorded video in order, no frame lost: what the live path would have found with time enough. ffmpeg waits for
 * inference, and inference for the consumer.
 */
export async function* detectRecording(video: string, options: DetectRecordingOptions): AsyncGenerator<Detection, void, undefined> {
  const { gallery, embedder, analysisFps, fieldOfView = 'auto', ffmpeg, readAhead, signal } = options;
  const source = await openSource({
    id: video,
    source: video,
    analysis: { ...gallery.model.input, fps: analysisFps },
    preview: null,
    pace: 'fast',
    fieldOfView,
    ...(ffmpeg === undefined ? {} : { ffmpeg }),
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const frames = analyseFrames(source, { gallery, embedder, ...(readAhead === undefined ? {} : { readAhead }) });
    for await (const { detection } of frames) yield detection;
  } finally {
    await source.dispose();
  }
}
