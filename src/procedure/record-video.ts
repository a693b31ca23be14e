import { PassThrough } from 'node:stream';
import type { FieldOfView } from '../capture/frame.js';
import type { FieldOfViewOption } from '../capture/options.js';
import { openSource } from '../capture/source.js';
import { MediaError, messageOf } from '../common/errors.js';
import { findH264Encoder } from '../media/encoders.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { Recorder, type RecordingPart, type RecordingPartEnd } from './recording/recorder.js';
import { StandingClock } from './standing-clock.js';

export interface RecordVideoOptions {
  readonly ffmpeg: Ffmpeg;
  readonly video: string;
  /** Where `recording.mp4` is written. */
  readonly folder: string;
  readonly fieldOfView: FieldOfViewOption;
  /** Ends the recording, which then fails. */
  readonly signal: AbortSignal;
}

/** A file of the recording that has begun. */
export interface GrowingPart {
  readonly part: RecordingPart;
  /** What was cut to since the file before it began. */
  readonly fieldsOfView: readonly FieldOfView[];
  /** Resolves when the file is closed, also when it could not be written to its end. */
  readonly completed: Promise<RecordingPartEnd>;
}

export interface VideoRecording {
  /** Each when it begins, fragmented, as they grow. Usually one; a video whose field of view changes goes on in another file. */
  readonly parts: AsyncIterable<GrowingPart>;
  /**
   * Resolves when the video is over and its parts are complete.
   * @throws MediaError `encoder-missing`, `not-recorded`, or what is wrong with the video.
   */
  readonly ended: Promise<RecordedVideo>;
}

export interface RecordedVideo {
  /** What could not be decoded on the way, one sentence, or null. */
  readonly damage: string | null;
  /** The times of its frames. */
  readonly clock: StandingClock;
}

const WAITING_BYTES = 512 * 2 ** 20;

/**
 * Copies what a video shows, cut to its field of view and masked, into the folder of a procedure: every frame at its time, so that no name
 * and no number of a patient is kept and the copy can stand for the video.
 */
export function recordVideo(options: RecordVideoOptions): VideoRecording {
  const parts = new PassThrough({ objectMode: true });
  const ended = record(options, (part) => parts.write(part));
  ended.then(
    () => parts.end(),
    (error: unknown) => parts.destroy(error as Error),
  );
  return { parts, ended };
}

async function record(
  { ffmpeg, video, folder, fieldOfView, signal }: RecordVideoOptions,
  began: (part: GrowingPart) => void,
): Promise<RecordedVideo> {
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
    signal,
  });
  source.setRecording(true);
  const fieldsOfView: FieldOfView[] = [];
  const endings: ((end: RecordingPartEnd) => void)[] = [];
  let failure: MediaError | null = null;
  const recorder = new Recorder({
    folder,
    maxWaitingBytes: WAITING_BYTES,
    onStarted: (part) => {
      const completed = new Promise<RecordingPartEnd>((resolve) => endings.push(resolve));
      began({ part, fieldsOfView: fieldsOfView.splice(0), completed });
    },
    onStopped: (end) => {
      if (end.error !== null) {
        failure ??= new MediaError('not-recorded', `${end.part.file} cannot be written: ${messageOf(end.error)}.`, {
          remedy: 'Make room on the disk.',
          cause: end.error,
        });
      }
      // Files end in the order in which they began.
      endings.shift()?.(end);
    },
  });
  let damage: string | null = null;
  const clock = new StandingClock();
  const thrown = (): void => {
    if (failure !== null) throw failure;
    signal.throwIfAborted();
  };
  try {
    for await (const event of source) {
      thrown();
      if (event.type === 'recorded') {
        recorder.push(event);
        clock.take(event.ptsUs);
      } else if (event.type === 'field-of-view') fieldsOfView.push(event.fieldOfView);
      else if (event.type === 'recording-unavailable') throw new MediaError('not-recorded', event.detail);
      else if (event.type === 'state' && event.state === 'ended') damage = event.detail ?? null;
    }
  } finally {
    await recorder.stop();
    await source.dispose();
  }
  thrown();
  return { damage, clock };
}
