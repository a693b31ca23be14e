import { rm, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { FieldOfView } from '../capture/frame.js';
import type { FieldOfViewOption } from '../capture/options.js';
import { openSource } from '../capture/source.js';
import { probeVideo } from '../capture/video-file.js';
import { isDiskFull, ProcedureError } from '../common/errors.js';
import { fileSha256 } from '../common/sha256.js';
import type { Embedder } from '../inference/embedder.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { makeSeekable } from '../media/seekable.js';
import { galleryFingerprint } from '../retrieval/fingerprint.js';
import type { Gallery } from '../retrieval/gallery.js';
import type { Checklist } from '../tracking/checklist.js';
import type { Coverage } from '../tracking/coverage.js';
import { trackerOptionsFor } from '../tracking/gallery-options.js';
import { resolveTrackerOptions, type ResolvedTrackerOptions, type TrackerOptions } from '../tracking/options.js';
import type { Sighting } from '../tracking/sighting.js';
import { createTracker } from '../tracking/tracker.js';
import { analyseFrames } from './analyse-frames.js';
import { analyseRecording, type AnalysedPart } from './analyse-recording.js';
import { keepStills, type AuditStillsOptions } from './audit-stills.js';
import type { NewProcedure } from './description.js';
import type { InstallationKey } from './key.js';
import { recordVideo } from './record-video.js';
import { partAt } from './recording-parts.js';
import type { RecordingPart } from './recording/recorder.js';
import { StandingClock } from './standing-clock.js';
import { FrameTracker } from './tracked-frames.js';
import { openProcedureWriter, type ProcedureWriter } from './writer.js';

export interface AuditVideoOptions {
  /** Home that the procedure is kept in; the caller holds its lock. */
  readonly home: string;
  readonly key: InstallationKey;
  readonly video: string;
  readonly gallery: Gallery;
  /** Of the gallery's model. */
  readonly embedder: Embedder;
  readonly checklist: Checklist;
  readonly ffmpeg: Ffmpeg;
  /** Free text of the user. */
  readonly label?: string;
  /** Frames analysed per second of video; null: every frame. */
  readonly analysisFps: number | null;
  /** Default `auto`. */
  readonly fieldOfView?: FieldOfViewOption;
  readonly tracker?: Partial<TrackerOptions>;
  /**
   * Keep a copy of what the video shows, cut and masked, and analyse that copy: it can be replayed, and analysed again with the very same
   * answers. Default true; without it the video itself is analysed, and later needed again.
   */
  readonly recording?: boolean;
  /** The video shows no patient. Default false. */
  readonly simulated?: boolean;
  readonly signal?: AbortSignal;
  readonly onProgress?: (progress: AuditProgress) => void;
}

export interface AuditProgress {
  /** Presentation time of the newest analysed frame, µs. */
  readonly ptsUs: number;
  /** Of the video as its container states it, or null. */
  readonly durationUs: number | null;
  /** Analysed so far. */
  readonly frames: number;
}

export interface VideoAudit {
  readonly id: string;
  readonly folder: string;
  /** Hash of the closing line of the journal: keep it elsewhere. */
  readonly headHash: string;
  readonly coverage: Coverage;
  readonly sightings: readonly Sighting[];
  readonly analysedFrames: number;
  /** Time of the last analysed frame, µs. */
  readonly lastPtsUs: number;
  /** Inside `InferenceSession.run`, all frames, ms. */
  readonly inferenceMs: number;
  readonly wallMs: number;
  /** What a reader of the result must know, one sentence each; they are in the journal too. */
  readonly warnings: readonly string[];
}

/** Containers round; an end that is missing by more than this is missing. */
const MISSING_END_US = 2_000_000;

/**
 * Audits a video file: every frame that is due is analysed, as fast as inference goes, and the result is kept as a procedure of kind
 * `imported`. An audit that fails or is aborted leaves no folder behind, since it can be begun again.
 *
 * @throws MediaError when the video cannot be read; ProcedureError when the result cannot be kept.
 */
export async function auditVideo(options: AuditVideoOptions): Promise<VideoAudit> {
  const { home, key, video, ffmpeg, gallery, checklist, signal } = options;
  const beganMs = performance.now();
  const { durationUs } = await probeVideo(ffmpeg, video, signal);
  const before = await stat(video);
  const sha256 = await fileSha256(video);
  const tracker = resolveTrackerOptions({ ...trackerOptionsFor(gallery, checklist), ...options.tracker });
  const writer = await openProcedureWriter(home, { key, procedure: newProcedure(options, tracker, sha256) });
  try {
    const frames = new FrameTracker({ writer, tracker: createTracker(tracker), checklist, gallery });
    const { placeOf, damage, clock } =
      options.recording === false
        ? await analyseSource(writer, frames, options, durationUs)
        : await recordAndAnalyse(writer, frames, options, durationUs);
    const { sightings, lastPtsUs, inferenceMs } = frames;
    const { stills, warnings } = await keepStills(writer, sightings, { ffmpeg, checklist, placeOf, signal });
    const coverage = await frames.keepCoverage({ stills });
    warnings.unshift(
      ...[damage, clock.warning(basename(video))].filter((text) => text !== null),
      ...missingEnd(video, lastPtsUs, durationUs),
      ...change(video, before, await stat(video)),
    );
    for (const text of warnings) await writer.append({ type: 'note', text, ptsUs: null });
    const closed = await writer.close();
    const wallMs = performance.now() - beganMs;
    return { ...closed, coverage, sightings, analysedFrames: frames.frames, lastPtsUs, inferenceMs, wallMs, warnings };
  } catch (error) {
    await writer.abandon();
    await rm(writer.folder, { recursive: true, force: true });
    if (!isDiskFull(error)) throw error;
    throw new ProcedureError('disk-full', `The disk of ${home} is full; nothing was kept of the audit of ${basename(video)}.`, {
      cause: error,
      remedy: 'Free some space, choose another disk with LUMENMARK_HOME, or keep no copy of the video with --no-recording.',
    });
  }
}

interface Analysed {
  readonly placeOf: AuditStillsOptions['placeOf'];
  /** What could not be decoded, one sentence, or null. */
  readonly damage: string | null;
  readonly clock: StandingClock;
}

/** Analyses the copy that is made of the video, while it is made: what is kept is what was analysed. */
async function recordAndAnalyse(
  writer: ProcedureWriter,
  frames: FrameTracker,
  options: AuditVideoOptions,
  durationUs: number | null,
): Promise<Analysed> {
  const { video, gallery, embedder, ffmpeg, analysisFps, fieldOfView = 'auto', onProgress } = options;
  const { folder } = writer;
  const parts: RecordingPart[] = [];
  const failed = new AbortController();
  const signal = AbortSignal.any([failed.signal, ...(options.signal === undefined ? [] : [options.signal])]);
  const recording = recordVideo({ ffmpeg, video, folder, fieldOfView, signal });
  /** The journal hears of a file where the analysis comes to it, however far ahead the recording is. */
  const partsInTurn = async function* (): AsyncGenerator<AnalysedPart> {
    for await (const { part, fieldsOfView, completed } of recording.parts) {
      for (const found of fieldsOfView) await writer.append({ type: 'field-of-view', fieldOfView: found });
      const { file, codec, originPtsUs } = part;
      await writer.append({ type: 'recording-started', file, codec, originPtsUs });
      parts.push(part);
      yield { file, originPtsUs, growing: completed };
      const { frames: count, durationMs } = await completed;
      await writer.append({ type: 'recording-stopped', reason: 'closed', detail: null, frames: count, durationMs });
    }
  };
  const analyse = async (): Promise<void> => {
    const sourceId = basename(video);
    const analysed = analyseRecording({ folder, parts: partsInTurn(), gallery, embedder, ffmpeg, sourceId, fps: analysisFps, signal });
    for await (const frame of analysed) {
      await frames.take(frame);
      onProgress?.({ ptsUs: frame.detection.ptsUs, durationUs, frames: frames.frames });
    }
  };
  // When one fails, the other has no more to do; both must be over before the folder is closed or removed.
  await Promise.allSettled(
    [recording.ended, analyse()].map((task) =>
      task.catch((error: unknown) => {
        failed.abort(error);
      }),
    ),
  );
  signal.throwIfAborted();
  const { damage, clock } = await recording.ended;
  for (const { file } of parts) await makeSeekable(join(folder, file));
  await frames.finish();
  return {
    damage,
    clock,
    placeOf: (ptsUs) => {
      const place = partAt(parts, ptsUs);
      return place === null ? null : { video: join(folder, place.part.file), timeUs: place.timeUs, fieldOfView: null };
    },
  };
}

/** Analyses the video itself, in one go. */
async function analyseSource(
  writer: ProcedureWriter,
  frames: FrameTracker,
  options: AuditVideoOptions,
  durationUs: number | null,
): Promise<Analysed> {
  const { video, gallery, embedder, ffmpeg, analysisFps, fieldOfView = 'auto', signal, onProgress } = options;
  const spans: { sincePtsUs: number; fieldOfView: FieldOfView }[] = [];
  let damage: string | null = null;
  const clock = new StandingClock();
  // Frames that follow a change of the field of view are cut to it.
  let changed: FieldOfView | null = null;
  let appended: Promise<unknown> = Promise.resolve();
  const source = await openSource({
    id: basename(video),
    source: video,
    analysis: { ...gallery.model.input, fps: analysisFps },
    preview: null,
    pace: 'fast',
    fieldOfView,
    ffmpeg,
    ...(signal === undefined ? {} : { signal }),
  });
  try {
    const analysed = analyseFrames(source, {
      gallery,
      embedder,
      wants: ({ ptsUs }) => {
        if (changed !== null) spans.push({ sincePtsUs: ptsUs, fieldOfView: changed });
        changed = null;
        return true;
      },
      onEvent: (event) => {
        if (event.type === 'field-of-view') {
          changed = event.fieldOfView;
          appended = writer.append({ type: 'field-of-view', fieldOfView: event.fieldOfView });
          appended.catch(() => undefined);
        }
        if (event.type === 'state' && event.state === 'ended') damage = event.detail ?? null;
      },
    });
    for await (const frame of analysed) {
      signal?.throwIfAborted();
      clock.take(frame.detection.ptsUs);
      await frames.take(frame);
      onProgress?.({ ptsUs: frame.detection.ptsUs, durationUs, frames: frames.frames });
    }
    signal?.throwIfAborted();
    await appended;
    await frames.finish();
  } finally {
    await source.dispose();
  }
  return {
    damage,
    clock,
    placeOf: (ptsUs) => {
      const span = spans.findLast(({ sincePtsUs }) => sincePtsUs <= ptsUs);
      return { video, timeUs: ptsUs, fieldOfView: span?.fieldOfView ?? null };
    },
  };
}

function newProcedure(options: AuditVideoOptions, tracker: ResolvedTrackerOptions, sha256: string): NewProcedure {
  const { gallery, embedder, checklist, ffmpeg, video, label = null, analysisFps, fieldOfView = 'auto', simulated = false } = options;
  const { model, manifest, name, exemplars, labels } = gallery;
  return {
    kind: 'imported',
    label,
    source: { label: basename(video), live: false, simulated, sha256 },
    model: { name: model.name, fingerprint: model.fingerprint },
    gallery: { name, fingerprint: galleryFingerprint(manifest), exemplars: exemplars.length, labels: [...labels] },
    checklist,
    tracker,
    analysis: { ...model.input, fps: analysisFps, fieldOfView, policy: 'every', device: embedder.device.name },
    versions: { ffmpeg: ffmpeg.version },
  };
}

function missingEnd(video: string, lastPtsUs: number, durationUs: number | null): string[] {
  if (durationUs === null || lastPtsUs >= durationUs - MISSING_END_US) return [];
  const seconds = (us: number): string => `${(us / 1e6).toFixed(1)} s`;
  return [
    `${basename(video)} says it lasts ${seconds(durationUs)}, but its last frame is at ${seconds(lastPtsUs)}: its end is missing or damaged.`,
  ];
}

interface FileState {
  readonly size: number;
  readonly mtimeMs: number;
}

function change(video: string, before: FileState, after: FileState): string[] {
  if (after.size === before.size && after.mtimeMs === before.mtimeMs) return [];
  const sizes = `${before.size} bytes before, ${after.size} after`;
  return [
    `${basename(video)} was changed while it was read (${sizes}): what came later may be missing, and the hash is that of the file before. Audit it again when it is complete.`,
  ];
}
