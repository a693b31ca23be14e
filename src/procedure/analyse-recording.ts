import { join } from 'node:path';
import { openSource } from '../capture/source.js';
import type { Embedder } from '../inference/embedder.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { lookingUntil } from '../media/growing-file.js';
import { outlineOfMp4 } from '../media/seekable.js';
import type { Gallery } from '../retrieval/gallery.js';
import { analyseFrames, type AnalysedFrame } from './analyse-frames.js';
import type { VideoPart } from './recording-parts.js';

export interface AnalysedPart extends Pick<VideoPart, 'file' | 'originPtsUs'> {
  /** Resolves when all of the file is there; undefined when it is. */
  readonly growing?: Promise<unknown>;
}

export interface AnalyseRecordingOptions {
  readonly folder: string;
  readonly parts: Iterable<AnalysedPart> | AsyncIterable<AnalysedPart>;
  readonly gallery: Pick<Gallery, 'match' | 'model'>;
  /** Of the gallery's model. */
  readonly embedder: Embedder;
  readonly ffmpeg: Ffmpeg;
  /** Goes into every detection. */
  readonly sourceId: string;
  /** Frames analysed per second; null: every frame. */
  readonly fps: number | null;
  /** Frames to leave out, by their time. Default: none. */
  readonly wants?: (ptsUs: number) => boolean;
  readonly signal?: AbortSignal | undefined;
}

/**
 * The frames of a procedure's own recording, analysed in order, none lost; times are those of the procedure. The recording is cut and masked
 * already, so the whole picture is the field of view. The same files on the same machine give the same answers, bit for bit.
 */
export async function* analyseRecording(options: AnalyseRecordingOptions): AsyncGenerator<AnalysedFrame, void, undefined> {
  const { folder, parts, gallery, embedder, ffmpeg, sourceId, fps, wants, signal } = options;
  let firstFrameId = 0;
  for await (const { file, originPtsUs, growing } of parts) {
    if (growing !== undefined) await firstFragment(join(folder, file), growing);
    const source = await openSource({
      id: sourceId,
      source: join(folder, file),
      analysis: { ...gallery.model.input, fps },
      preview: null,
      pace: 'fast',
      fieldOfView: 'none',
      deinterlace: 'off',
      ffmpeg,
      ...(growing === undefined ? {} : { growing }),
      ...(signal === undefined ? {} : { signal }),
    });
    let nextFrameId = firstFrameId;
    try {
      const frames = analyseFrames(source, {
        gallery,
        embedder,
        ...(wants === undefined ? {} : { wants: ({ ptsUs }) => wants(ptsUs + originPtsUs) }),
      });
      for await (const frame of frames) {
        const { detection } = frame;
        nextFrameId = firstFrameId + detection.frameId + 1;
        yield { ...frame, detection: { ...detection, frameId: firstFrameId + detection.frameId, ptsUs: detection.ptsUs + originPtsUs } };
      }
      signal?.throwIfAborted();
    } finally {
      await source.dispose();
    }
    firstFrameId = nextFrameId;
  }
}

/** Waits until there is a picture in a file, or will be none. */
async function firstFragment(path: string, growing: Promise<unknown>): Promise<void> {
  const again = lookingUntil(growing);
  do {
    // The file itself may not be there yet.
    const outline = await outlineOfMp4(path).catch(() => null);
    if (outline !== null && outline.fragments > 0) return;
  } while (await again());
}
