import type { QualityMeasures } from '../../inference/embedder.js';
import type { Ffmpeg } from '../../media/ffmpeg.js';
import type { Detection } from '../../tracking/detection.js';
import type { Current } from '../../tracking/tracker.js';
import type { NewProcedure } from '../description.js';
import type { InstallationKey } from '../key.js';
import type { Timers } from '../timers.js';
import type { ProcedureVideoOptions, VideoStatus } from './procedure-video.js';

/** A frame that was analysed live, and what the tracker said after it. */
export interface LiveDetection {
  readonly detection: Detection;
  readonly measures: QualityMeasures;
  readonly current: Current;
  readonly inferenceMs: number;
  readonly annotationAgeMs: number;
}

export interface LiveProcedureOptions extends Pick<
  ProcedureVideoOptions,
  'setRecording' | 'reorder' | 'onChange' | 'openSink' | 'freeBytes' | 'diskEveryMs'
> {
  /** The caller holds its lock. */
  readonly home: string;
  readonly key: InstallationKey;
  readonly procedure: NewProcedure;
  /** Who starts it, and is written down where a mark names nobody else. */
  readonly operator: string;
  readonly ffmpeg: Pick<Ffmpeg, 'path'>;
  /** The picture that was shown of a frame, where it is still there: a smaller one is better than none. */
  readonly preview: (frameId: number) => Uint8Array | null;
}

export interface LiveProcedureStatus extends Timers, VideoStatus {
  readonly id: string;
  readonly state: 'open' | 'closing' | 'closed' | 'failed';
  readonly label: string | null;
  readonly operator: string;
  readonly startedAt: string;
  readonly totalMs: number;
  readonly paused: boolean;
  readonly captures: number;
  readonly stills: number;
  readonly marks: number;
  /** What went wrong, for people; the newest. */
  readonly trouble: string | null;
  /** Of the closed procedure: to be kept elsewhere. */
  readonly headHash: string | null;
}
