import { UsageError } from '../common/errors.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { FieldOfView } from './frame.js';
import type { RecordingCodec } from './graph.js';

export interface SourceOptions {
  /** Goes into every frame. */
  readonly id: string;
  /**
   * A path of a video or of a folder of stills; `v4l2:/dev/video0`, `dshow:NAME`, `avfoundation:0`, `decklink:NAME`; an address
   * (`rtsp`, `rtmp`, `srt`, `udp`, `tcp`, `http`, `https`); or `lavfi:GRAPH`.
   */
  readonly source: string;
  /** Default: the one that `findFfmpeg()` finds. */
  readonly ffmpeg?: Ffmpeg;
  /** Null: no pictures to analyse. */
  readonly analysis: {
    /** Size of the analysis pictures, px. */
    readonly width: number;
    readonly height: number;
    /** At most so many a second; null: every frame. */
    readonly fps: number | null;
  } | null;
  /** Null: no preview pictures. */
  readonly preview: {
    /** At most so many a second. */
    readonly fps: number;
    /** At most so wide, px; the aspect is kept and nothing is enlarged. */
    readonly width: number;
    /** JPEG quality as ffmpeg counts, 2 (best) … 31. Default 4. */
    readonly quality?: number;
  } | null;
  /**
   * Makes the source ready to be recorded at any moment (`setRecording`), at no cost before. `copy` takes the packets of the source as they
   * are, which hides nothing: it needs `keepBorders` or `fieldOfView: 'none'`. Default null: it cannot be recorded.
   */
  readonly recording?: RecordingCodec | null;
  /** `realtime`: a file behaves like a live source. `fast`: every frame, as fast as it is consumed. Live inputs are always `realtime`. */
  readonly pace: 'realtime' | 'fast';
  /**
   * The file is still being written, and begun well enough to show a picture: the rest is waited for until this resolves. For containers that
   * can be read from front to back; not with `loop` or `recording`.
   */
  readonly growing?: Promise<unknown>;
  /** Begin again at the end of a file; presentation times keep rising. Default false. */
  readonly loop?: boolean;
  /** Default `auto`. `WxH+X+Y`: a rectangle in pixels of the source. */
  readonly fieldOfView?: FieldOfViewOption;
  /** Leave what lies outside the field of view visible: pictures show the whole source frame. Default false. */
  readonly keepBorders?: boolean;
  /** `auto` deinterlaces when the source flags its pictures as interlaced. Default `auto`. */
  readonly deinterlace?: 'auto' | 'on' | 'off';
  readonly input?: {
    /** For devices a pixel format or codec that `lumenmark devices` lists (`yuyv422`, `mjpeg`), else ffmpeg's name of a container. */
    readonly format?: string;
    readonly fps?: number;
    /** `WxH` */
    readonly size?: string;
  };
  /** How long a live source may be silent before it counts as stalled. Default 5000. */
  readonly stallTimeoutMs?: number;
  readonly signal?: AbortSignal;
}

export type FieldOfViewOption = 'auto' | 'none' | `${number}x${number}+${number}+${number}`;

const MAX_SIDE = 16384;
const MAX_FPS = 1000;

/** Checks options once, at the edge. @throws UsageError that names the field. */
export function validateSourceOptions(options: SourceOptions): void {
  text('id', options.id);
  text('source', options.source);
  if (options.analysis !== null) {
    whole('analysis.width', options.analysis.width, 1, MAX_SIDE);
    whole('analysis.height', options.analysis.height, 1, MAX_SIDE);
    if (options.analysis.fps !== null) rate('analysis.fps', options.analysis.fps);
  }
  if (options.preview !== null) {
    rate('preview.fps', options.preview.fps);
    whole('preview.width', options.preview.width, 16, MAX_SIDE);
    if (options.preview.quality !== undefined) whole('preview.quality', options.preview.quality, 1, 31);
  }
  oneOf('pace', options.pace, ['realtime', 'fast']);
  oneOf('deinterlace', options.deinterlace ?? 'auto', ['auto', 'on', 'off']);
  if (options.input?.fps !== undefined) rate('input.fps', options.input.fps);
  if (options.input?.size !== undefined && !/^[1-9]\d{0,4}x[1-9]\d{0,4}$/.test(options.input.size)) {
    throw invalid('input.size', options.input.size, 'WIDTHxHEIGHT, such as 1920x1080');
  }
  if (options.input?.format !== undefined && !/^[\w,-]+$/.test(options.input.format)) {
    throw invalid('input.format', options.input.format, "one of ffmpeg's names, such as yuyv422 or mpegts");
  }
  if (options.stallTimeoutMs !== undefined) whole('stallTimeoutMs', options.stallTimeoutMs, 100, 3_600_000);
  parseFieldOfView(options.fieldOfView ?? 'auto');
  if (options.growing !== undefined && (options.loop === true || (options.recording ?? null) !== null)) {
    throw new UsageError('invalid-option', 'A file that is still being written (growing) can be neither looped nor recorded.');
  }
  if (options.recording?.type === 'copy' && options.keepBorders !== true && options.fieldOfView !== 'none') {
    throw new UsageError('invalid-option', 'A copy of the source would hold what the mask hides, which can be a name.', {
      remedy: 'Record with --record-codec h264, or show everything with --keep-borders or --field-of-view none.',
    });
  }
}

/** The rectangle that `WxH+X+Y` names; the words pass through. @throws UsageError. */
export function parseFieldOfView(value: string): 'auto' | 'none' | Pick<FieldOfView, 'x' | 'y' | 'width' | 'height'> {
  if (value === 'auto' || value === 'none') return value;
  const match = /^(\d{1,5})x(\d{1,5})\+(\d{1,5})\+(\d{1,5})$/.exec(value);
  const [width = 0, height = 0, x = 0, y = 0] = match?.slice(1).map(Number) ?? [];
  if (match === null || width < 16 || height < 16) {
    throw invalid('fieldOfView', value, 'auto, none or WIDTHxHEIGHT+X+Y of at least 16x16, such as 1080x1024+100+0');
  }
  return { x, y, width, height };
}

function text(field: string, value: string): void {
  if (typeof value !== 'string' || value.trim() === '') throw invalid(field, value, 'a text that is not empty');
}

function whole(field: string, value: number, least: number, most: number): void {
  if (!Number.isInteger(value) || value < least || value > most) throw invalid(field, value, `a whole number from ${least} to ${most}`);
}

function rate(field: string, value: number): void {
  if (!Number.isFinite(value) || value <= 0 || value > MAX_FPS) throw invalid(field, value, `a number above 0, at most ${MAX_FPS}`);
}

function oneOf(field: string, value: string, allowed: readonly string[]): void {
  if (!allowed.includes(value)) throw invalid(field, value, allowed.join(', '));
}

function invalid(field: string, value: unknown, expected: string): UsageError {
  return new UsageError('invalid-option', `Source option ${field} is ${JSON.stringify(value)}; it must be ${expected}.`);
}
