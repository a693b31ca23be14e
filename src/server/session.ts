import type { Observable } from 'rxjs';
import type {
  ChecklistSummary,
  CoverageMessage,
  ErrorMessage,
  EventMessage,
  FrameMessage,
  HelloMessage,
  ProcedureMessage,
  SiteState,
  StatsMessage,
  TrackingMessage,
} from './protocol.js';

/** A frame on its way to the hub. `capturedAtMs` stays on this side of the wire; the hub measures the preview's delay with it. */
export type SessionFrame = FrameMessage & {
  /** When the frame left the demuxer, ms of `performance.now()`. */
  readonly capturedAtMs: number;
};

/** What a session knows of itself once a second; the hub adds what it knows of each client. */
export type SessionStats = Omit<StatsMessage, 'previewDelayMs' | 'clientDroppedFrames' | 'drawDelayMs'>;

export type SessionMessage =
  HelloMessage | SessionFrame | TrackingMessage | CoverageMessage | ProcedureMessage | EventMessage | SessionStats | ErrorMessage;

/** A capture device that was found on this machine. */
export interface DeviceSummary {
  /** To be opened as, e.g. `v4l2:/dev/video0`. */
  source: string;
  name: string;
  /** One line per format, e.g. `1920×1080 mjpeg 30 fps`. */
  formats: string[];
}

export interface OpenSourceRequest {
  /** File on the server, device, or address. */
  source: string;
  /** Checklist to begin with; the present one when absent. */
  checklistId?: string;
  /** Begin a file again when it ends. */
  loop?: boolean;
}

export interface Picture {
  contentType: 'image/jpeg' | 'image/png' | 'image/webp';
  bytes: Uint8Array;
}

export interface StartProcedureRequest {
  /** Which source; by default the one shown by default. */
  sourceId?: string;
  /** Free text. */
  label?: string;
  /** Checklist to begin with; the present one when absent. */
  checklistId?: string;
  /** Who examines. */
  operator?: string;
}

/** A frame that somebody saw, and who; by default the newest, and whoever started the procedure. */
export interface CaptureRequest {
  frameId?: number;
  ptsUs?: number;
  by?: string;
}

/**
 * Procedures while they are examined. `id` names one that is open. Marks resolve when they are on the disk, and never replace what the tracker
 * found.
 */
export interface ProcedureControl {
  start(request: StartProcedureRequest): Promise<{ id: string; sourceId: string }>;
  /** Resolves when it is closed and sealed, which takes longer the more was recorded. */
  stop(id: string, by?: string): Promise<{ id: string; headHash: string }>;
  capture(id: string, request: CaptureRequest): Promise<{ file: string; fullSize: boolean }>;
  /** A null state takes back what was set by hand. */
  setSite(id: string, mark: { site: string; state: Exclude<SiteState, 'unsupported'> | null; reason: string; by?: string }): Promise<void>;
  note(id: string, text: string, by?: string): Promise<void>;
  pause(id: string, reason: string | null, by?: string): Promise<void>;
  resume(id: string, by?: string): Promise<void>;
}

/**
 * What the server serves: the live session, seen from outside. The server knows nothing of ffmpeg or models behind it.
 * Methods reject with a `LumenmarkError`, whose `code`, `message` and `remedy` reach the page.
 */
export interface SessionController {
  /** Null where procedures cannot be kept. */
  readonly procedures: ProcedureControl | null;
  /** Hot. The server subscribes once and hands each message to the hub in the same tick. Must neither error nor complete. */
  readonly messages: Observable<SessionMessage>;
  /**
   * The first message of a connection, for the source with this id or, for null, for the source shown by default; `source` is
   * null where there is none. Emit any `hello` on `messages` when something in it has changed: every client is then sent its own.
   */
  hello(sourceId: string | null): HelloMessage;
  devices(): Promise<DeviceSummary[]>;
  /** Opens a source in place of the one shown by default and resolves when it is known to deliver or to have failed. */
  openSource(request: OpenSourceRequest): Promise<{ sourceId: string }>;
  /** Closes one source, or all of them for null. */
  closeSource(sourceId: string | null): Promise<void>;
  checklists(): ChecklistSummary[];
  /** @throws UsageError when no checklist has this id. */
  setChecklist(checklistId: string): Promise<void>;
  /** The still behind a `still` path of a coverage message; `name` is what follows `/stills/`, as it was sent. Null when there is none. */
  still(name: string): Promise<Picture | null>;
  /** The picture of an exemplar of the gallery; null when there is none. */
  thumbnail(exemplar: number): Promise<Picture | null>;
}
