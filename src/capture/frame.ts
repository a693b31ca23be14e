/**
 * What leaves a source. Preview and analysis pictures come from one decode; two of them with the same `frameId` show the
 * same frame of the source.
 */

/** The lit part of the picture, in pixels of the source frame, inside `sourceWidth` × `sourceHeight`. */
export interface FieldOfView {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  /**
   * Convex outline of the lit region, vertices in pixels of the source frame; everything outside it is black in all
   * pictures. Absent when the whole rectangle is kept.
   */
  readonly outline?: readonly (readonly [x: number, y: number])[];
}

export interface FrameTimes {
  /** Which source this frame came from. */
  readonly sourceId: string;
  /** Counts up from 0 per source session. */
  readonly frameId: number;
  /** Presentation time, µs. */
  readonly ptsUs: number;
  /** When the frame left the demuxer, in ms of `performance.now()`. */
  readonly capturedAtMs: number;
}

/** A picture to look at: the field of view as JPEG, display rate. */
export interface PreviewFrame extends FrameTimes {
  readonly type: 'preview';
  readonly jpeg: Uint8Array;
}

/** A picture to analyse: the field of view squashed to the model's size, RGB, row by row, `width * height * 3` bytes. */
export interface AnalysisFrame extends FrameTimes {
  readonly type: 'analysis';
  readonly width: number;
  readonly height: number;
  /** Owns its whole ArrayBuffer, so that it can be transferred to a worker. */
  readonly pixels: Uint8Array<ArrayBuffer>;
}

/** A frame of the recording, encoded: in the order of decoding, cut and masked like everything else. */
export interface RecordedPacket {
  readonly type: 'recorded';
  readonly sourceId: string;
  /** Presentation time, µs; the same as that of the preview and analysis of this frame. */
  readonly ptsUs: number;
  readonly keyframe: boolean;
  readonly codec: {
    readonly name: 'h264' | 'hevc';
    /** The decoder's configuration record, as MP4 keeps it. Another one means another video. */
    readonly configuration: Uint8Array;
  };
  readonly width: number;
  readonly height: number;
  /** NAL units, each with its length before it. */
  readonly data: Uint8Array<ArrayBuffer>;
}

/** The source cannot be recorded; it is watched and analysed all the same. */
export interface RecordingUnavailable {
  readonly type: 'recording-unavailable';
  /** One line for people. */
  readonly detail: string;
}

export type SourceStateName = 'connecting' | 'searching-field-of-view' | 'running' | 'reconnecting' | 'stalled' | 'ended' | 'failed';

/** Sent on change only. */
export interface SourceState {
  readonly type: 'state';
  readonly state: SourceStateName;
  /** One line for people; never contains credentials. */
  readonly detail?: string;
  /** How often the source was reopened after a failure. */
  readonly reconnects: number;
}

/** The field of view was found, fixed or re-found. Frames that follow are cut to it. */
export interface FieldOfViewChange {
  readonly type: 'field-of-view';
  readonly fieldOfView: FieldOfView;
  /** Set when borders are kept: previews then show the whole source frame, not only its field of view. */
  readonly wholePreview?: true;
}

export type CaptureEvent = PreviewFrame | AnalysisFrame | RecordedPacket | RecordingUnavailable | SourceState | FieldOfViewChange;

/**
 * An opened source. Iterate it once; each step hands over the next event in presentation order. A source reads ahead by at
 * most a few frames: whoever does not iterate makes ffmpeg wait (backpressure), which is what lossless analysis wants.
 * Live sources must be iterated without pause and dropped from downstream.
 */
export interface FrameSource extends AsyncIterable<CaptureEvent> {
  readonly id: string;
  /** For people; credentials removed. */
  readonly label: string;
  /** True for devices and network streams, and for files paced in real time. */
  readonly live: boolean;
  /** Frames of the analysis stream that never reached the consumer, so far. */
  readonly droppedFrames: number;
  /**
   * Lets `recorded` packets come from now on, or no longer; heard within a tenth of a second. A recording begins with the first key frame:
   * the first packet, unless the source has only just begun or is copied. From it on until the last none is missing. Does nothing where the
   * source was opened without `recording`.
   */
  setRecording(open: boolean): void;
  /** Ends ffmpeg and resolves when its process is gone. Safe to call twice. */
  dispose(): Promise<void>;
}
