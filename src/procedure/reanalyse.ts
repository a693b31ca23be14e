import { basename } from 'node:path';
import { openSource } from '../capture/source.js';
import { parseFieldOfView, type FieldOfViewOption } from '../capture/options.js';
import { ProcedureError } from '../common/errors.js';
import { fileSha256 } from '../common/sha256.js';
import type { Embedder } from '../inference/embedder.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { galleryFingerprint } from '../retrieval/fingerprint.js';
import type { Gallery } from '../retrieval/gallery.js';
import type { Detection } from '../tracking/detection.js';
import { trackerOptionsFor } from '../tracking/gallery-options.js';
import type { TrackerOptions } from '../tracking/options.js';
import type { Sighting } from '../tracking/sighting.js';
import { createTracker } from '../tracking/tracker.js';
import { analyseFrames, type AnalysedFrame } from './analyse-frames.js';
import { analyseRecording } from './analyse-recording.js';
import { agreementOf, areSameSightings, compareSightings, type ComparedLane } from './compare-sightings.js';
import { detectionOf, type DetectionLine } from './detection-line.js';
import { checklistOf } from './final-coverage.js';
import type { Procedure } from './reader.js';
import { videoParts } from './recording-parts.js';

export interface ReanalyseOptions {
  readonly procedure: Procedure;
  readonly gallery: Gallery;
  /** Of the gallery's model. */
  readonly embedder: Embedder;
  readonly ffmpeg: Ffmpeg;
  /** The video that was audited, where no recording of it was kept. */
  readonly video?: string;
  readonly signal?: AbortSignal;
  readonly onProgress?: (frames: number, totalFrames: number) => void;
}

export interface Reanalysed {
  readonly model: string;
  readonly gallery: string;
  /** Same model and same gallery as then, by their fingerprints. */
  readonly sameModel: boolean;
  /** The tracker, run again over the kept detections, gives the kept sightings to the last bit; null where the checklist changed on the way. */
  readonly trackerIdentical: boolean | null;
  /** Frames with the same class scores and the same answer to `known`, to the last bit, of those that could be compared. */
  readonly identicalFrames: number;
  readonly comparedFrames: number;
  /** Frames that were analysed then and are not in the recording. */
  readonly missingFrames: number;
  /** Sightings are the same: landmarks, frames, confidence and best frame. */
  readonly identicalSightings: boolean;
  /** Share of the compared frames after which both hold the same landmark to be in view, or none, 0…1. */
  readonly agreement: number;
  /** Then, and now. */
  readonly lanes: readonly ComparedLane[];
  readonly keptSightings: readonly Sighting[];
  readonly sightings: readonly Sighting[];
}

/**
 * Runs the recording of a procedure again, on exactly the frames that were analysed then, and compares. Nothing is written.
 *
 * What may be expected with the same model and gallery: the tracker over the kept detections gives the kept sightings, always. An import was analysed from its
 * own recording, so that gives the same detections too. A live procedure was analysed from the pictures of the source, before they were encoded: its recording gives nearly
 * the same, and the same every time.
 *
 * @throws ProcedureError `no-recording`, `another-video`; MediaError when the recording cannot be read.
 */
export async function reanalyse(options: ReanalyseOptions): Promise<Reanalysed> {
  const { procedure, gallery, signal, onProgress } = options;
  const { description } = procedure;
  const kept: DetectionLine[] = [];
  for await (const line of procedure.detections()) kept.push(line);
  const keptSightings = procedure.entriesOf('sighting-closed').map(({ sighting }) => sighting);
  const sourceId = keptSightings[0]?.sourceId ?? description.source.label;

  const found = new Map<number, AnalysedFrame>();
  const wanted = new Set(kept.map(({ ptsUs }) => ptsUs));
  for await (const frame of await framesOf(options, sourceId, wanted)) {
    signal?.throwIfAborted();
    found.set(frame.detection.ptsUs, frame);
    onProgress?.(found.size, kept.length);
  }
  signal?.throwIfAborted();

  const sameModel =
    gallery.model.fingerprint === description.model.fingerprint && galleryFingerprint(gallery.manifest) === description.gallery.fingerprint;
  const then = description.tracker as unknown as TrackerOptions;
  const compared = kept.filter(({ ptsUs }) => found.has(ptsUs));
  // Frames keep the numbers that they had then, so that both accounts speak of the same ones.
  const again = compared.flatMap((line): Detection[] => {
    const frame = found.get(line.ptsUs);
    return frame === undefined ? [] : [{ ...frame.detection, sourceId, frameId: line.frameId }];
  });
  const tracked = track(again, sameModel ? then : trackerOptionsFor(gallery, checklistOf(procedure)));
  const hadOtherChecklist = procedure.entriesOf('checklist').length > 0;
  return {
    model: gallery.model.name,
    gallery: gallery.name,
    sameModel,
    trackerIdentical: hadOtherChecklist ? null : isSameTracking(kept, keptSightings, sourceId, then, procedure.state === 'closed'),
    identicalFrames: compared.filter((line, at) => again[at] !== undefined && isSameAnswer(line, again[at])).length,
    comparedFrames: compared.length,
    missingFrames: kept.length - compared.length,
    identicalSightings: areSameSightings(keptSightings, tracked.sightings),
    agreement: agreementOf(compared.map((line, at) => [line.current.landmark, tracked.held[at] ?? null])),
    lanes: compareSightings(keptSightings, tracked.sightings),
    keptSightings,
    sightings: tracked.sightings,
  };
}

function isSameTracking(
  kept: readonly DetectionLine[],
  keptSightings: readonly Sighting[],
  sourceId: string,
  options: TrackerOptions,
  isClosed: boolean,
): boolean {
  const { sightings } = track(
    kept.map((line) => detectionOf(line, sourceId)),
    options,
  );
  // Whoever died did not close what was open.
  return areSameSightings(keptSightings, isClosed ? sightings : sightings.slice(0, keptSightings.length));
}

/** Closed sightings, and what the tracker held to be in view after each detection. */
function track(detections: readonly Detection[], options: TrackerOptions): { sightings: Sighting[]; held: (string | null)[] } {
  const tracker = createTracker(options);
  const sightings: Sighting[] = [];
  const held: (string | null)[] = [];
  let state = tracker.initialState();
  for (const detection of detections) {
    const step = tracker.step(state, detection);
    state = step.state;
    held.push(step.current.landmark);
    for (const event of step.events) if (event.type === 'sighting-closed') sightings.push(event.sighting);
  }
  for (const { sighting } of tracker.finish(state).events) sightings.push(sighting);
  return { sightings, held };
}

function isSameAnswer(line: DetectionLine, { match, quality }: Detection): boolean {
  const answer = (scores: readonly { readonly label: string; readonly score: number }[]): string =>
    scores.map(({ label, score }) => `${label} ${String(score)}`).join();
  return line.known === match.known && line.quality.verdict === quality.verdict && answer(line.scores) === answer(match.scores);
}

/** The frames of then: of the recording, or of the audited video where none was kept. */
async function framesOf(
  { procedure, gallery, embedder, ffmpeg, video, signal }: ReanalyseOptions,
  sourceId: string,
  wanted: ReadonlySet<number>,
): Promise<AsyncIterable<AnalysedFrame>> {
  const { folder, description } = procedure;
  const { policy, fieldOfView } = description.analysis;
  // What was due then is due again; of a live procedure only those frames count for which there was time.
  const fps = policy === 'every' ? description.analysis.fps : null;
  const wants = (ptsUs: number): boolean => wanted.has(ptsUs);
  const parts = await videoParts(procedure);
  if (parts.length > 0) return analyseRecording({ folder, parts, gallery, embedder, ffmpeg, sourceId, fps, wants, signal });
  if (video === undefined || description.source.sha256 === null) {
    throw new ProcedureError('no-recording', `Procedure ${procedure.id} has no recording that could be analysed again.`, {
      remedy: description.source.sha256 === null ? 'Record the next one.' : 'Name the video that was audited: --video FILE.',
    });
  }
  if ((await fileSha256(video)) !== description.source.sha256) {
    throw new ProcedureError('another-video', `${basename(video)} is not the video that was audited: its hash is another.`, {
      remedy: `Name the file that was called ${description.source.label} then.`,
    });
  }
  parseFieldOfView(fieldOfView);
  const source = await openSource({
    id: sourceId,
    source: video,
    analysis: { ...gallery.model.input, fps },
    preview: null,
    pace: 'fast',
    fieldOfView: fieldOfView as FieldOfViewOption,
    ffmpeg,
    ...(signal === undefined ? {} : { signal }),
  });
  return analyseFrames(source, { gallery, embedder, wants: ({ ptsUs }) => wants(ptsUs) });
}
