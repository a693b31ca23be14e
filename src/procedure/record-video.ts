import { join } from 'node:path';
import type { FieldOfView } from '../capture/frame.js';
import type { FieldOfViewOption } from '../capture/options.js';
import { openSource } from '../capture/source.js';
import { MediaError } from '../common/errors.js';
import { findH264Encoder } from '../media/encoders.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { makeSeekable } from '../media/seekable.js';
import { Recorder, type RecordingPartEnd } from './recording/recorder.js';
import { StandingClock } from './standing-clock.js';

export interface RecordVideoOptions {
  readonly ffmpeg: Ffmpeg;
  readonly video: string;
  /** Where `recording.mp4` is written. */
  readonly folder: string;
  readonly fieldOfView: FieldOfViewOption;
  readonly signal?: AbortSignal | undefined;
  /** Presentation time of the newest frame, µs. */
  readonly onProgress?: (ptsUs: number) => void;
}

export interface RecordedVideo {
  /** Usually one; a video whose field of view changes goes on in another file. */
  readonly parts: readonly RecordingPartEnd[];
  readonly fieldsOfView: readonly FieldOfView[];
  /** What could not be decoded on the way, one sentence, or null. */
  readonly damage: string | null;
  /** The times of its frames. */
  readonly clock: StandingClock;
}

const WAITING_BYTES = 512 * 2 ** 20;

/**
 * Copies what a video shows, cut to its field of view and masked, into the folder of a procedure: every frame at its time, so that no name
 * and no number of a patient is kept and the copy can stand for the video.
 *
 * @throws MediaError `encoder-missing`, `not-recorded`, or what is wrong with the video.
 */
export async function recordVideo({ ffmpeg, video, folder, fieldOfView, signal, onProgress }: RecordVideoOptions): Promise<RecordedVideo> {
  const encoder = await findH264Encoder(ffmpeg);
  if (encoder === null) {
    throw new MediaError('encoder-missing', `ffmpeg ${ffmpeg.version} (${ffmpeg.path}) has no H.264 encoder that works here.`, {
      remedy: 'Use a fuller build of ffmpeg, or audit without keeping a recording: --no-recording.',
    });
  }
  const source = await openSource({
    id: 'recording',
    source: video,
    analysis: null,
    preview: null,
    recording: { type: 'encode', encoder },
    pace: 'fast',
    fieldOfView,
    ffmpeg,
    ...(signal === undefined ? {} : { signal }),
  });
  source.setRecording(true);
  const parts: RecordingPartEnd[] = [];
  const fieldsOfView: FieldOfView[] = [];
  let damage: string | null = null;
  const clock = new StandingClock();
  const recorder = new Recorder({
    folder,
    maxWaitingBytes: WAITING_BYTES,
    onStarted: () => undefined,
    onStopped: (end) => parts.push(end),
  });
  try {
    for await (const event of source) {
      if (event.type === 'recorded') {
        recorder.push(event);
        clock.take(event.ptsUs);
        onProgress?.(event.ptsUs);
      } else if (event.type === 'field-of-view') fieldsOfView.push(event.fieldOfView);
      else if (event.type === 'recording-unavailable') throw new MediaError('not-recorded', event.detail);
      else if (event.type === 'state' && event.state === 'ended') damage = event.detail ?? null;
      if (parts.some(({ error }) => error !== null)) break;
    }
    signal?.throwIfAborted();
  } finally {
    await recorder.stop();
    await source.dispose();
  }
  for (const { part, error } of parts) {
    if (error === null) await makeSeekable(join(folder, part.file));
    else throw new MediaError('not-recorded', `${part.file} cannot be written`, { remedy: 'Make room on the disk.', cause: error });
  }
  return { parts, fieldsOfView, damage, clock };
}
