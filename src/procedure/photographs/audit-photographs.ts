import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaError } from '../../common/errors.js';
import { mapInOrder } from '../../common/map-in-order.js';
import type { EmbeddingBatch, Embedder } from '../../inference/embedder.js';
import { embedPictures, PREPARE_CONCURRENCY } from '../../retrieval/embed-pictures.js';
import { galleryFingerprint } from '../../retrieval/fingerprint.js';
import type { Gallery } from '../../retrieval/gallery.js';
import type { Match } from '../../retrieval/match.js';
import { checkFieldOfViewMode, type FieldOfViewMode } from '../../retrieval/still-pixels.js';
import type { Checklist } from '../../tracking/checklist.js';
import type { FrameQuality } from '../../tracking/detection.js';
import { judgeQuality } from '../../tracking/quality.js';
import { detectionLine } from '../detection-line.js';
import { writeDurably } from '../durable-files.js';
import type { InstallationKey } from '../key.js';
import { openProcedureWriter, type ProcedureWriter } from '../writer.js';
import { assignerOptions, createAssigner, type Assignment } from './assign.js';
import { documentation, judgePhotographs, type JudgedPhotograph, type SiteDocumentation } from './documentation.js';
import type { PhotographSet } from './find-photographs.js';
import { nearDuplicates } from './near-duplicates.js';
import { EVIDENCE_FOLDER, EVIDENCE_SHOWN, evidencePath } from './evidence.js';
import { PHOTOGRAPHS_FILE, PHOTOGRAPHS_FOLDER, photographsText, type PhotographLine, type UnreadableLine } from './photograph-line.js';
import { fullPicture, preparePhotographs, type ReadyPhotograph } from './prepare-photograph.js';

export interface PhotographAuditOptions {
  /** Home that the procedure is kept in; the caller holds its lock. */
  readonly home: string;
  readonly key: InstallationKey;
  readonly gallery: Gallery;
  readonly embedder: Embedder;
  readonly checklist: Checklist;
  readonly set: PhotographSet;
  /** Free text of the user. */
  readonly label?: string;
  /** Default: what the gallery was built with. */
  readonly fieldOfView?: FieldOfViewMode;
  readonly signal?: AbortSignal;
  /** Files that are done. */
  readonly onProgress?: (done: number) => void;
}

export interface PhotographAudit {
  readonly id: string;
  readonly folder: string;
  readonly headHash: string;
  readonly sites: readonly SiteDocumentation[];
  readonly photographs: readonly JudgedPhotograph[];
  readonly unreadable: readonly UnreadableLine[];
  /** Share of the wall time that inference took, 0…1. */
  readonly inferenceShare: number;
}

interface Looked {
  readonly ready: Omit<ReadyPhotograph, 'pixels' | 'jpeg'>;
  readonly picture: string;
  readonly match: Match;
  readonly quality: FrameQuality;
  readonly batch: EmbeddingBatch;
}

/** Pictures being written while others are looked at. */
const WRITES_AT_A_TIME = 8;

/**
 * Audits the photographs of one procedure and keeps the result as a procedure of kind `photographs`. Decoding runs ahead of inference; files
 * that cannot be read are listed, in any number.
 * @throws MediaError `photographs-unreadable` when none can be read; nothing is kept then.
 */
export async function auditPhotographs(options: PhotographAuditOptions): Promise<PhotographAudit> {
  const { gallery, embedder, checklist, set, signal } = options;
  const fieldOfView = options.fieldOfView ?? gallery.manifest.preprocessing.fieldOfView;
  checkFieldOfViewMode(fieldOfView);
  const unreadable: UnreadableLine[] = [];
  const looked: Looked[] = [];
  const writes = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let writer: ProcedureWriter | null = null;
  let inferenceMs = 0;
  let done = 0;
  const began = performance.now();

  async function* readable(): AsyncGenerator<ReadyPhotograph, void, undefined> {
    const size = embedder.model.input;
    const prepare = { size, fieldOfView, ...(signal === undefined ? {} : { signal }) };
    for await (const pictures of mapInOrder(set.paths, PREPARE_CONCURRENCY, (path) => preparePhotographs(set.directory, path, prepare))) {
      for (const picture of pictures) {
        if ('reason' in picture) unreadable.push(picture);
        else yield picture;
      }
      done += 1;
      options.onProgress?.(done);
    }
  }

  try {
    for await (const { item, batch } of embedPictures(embedder, readable())) {
      signal?.throwIfAborted();
      writer ??= await openWriter(options, fieldOfView);
      const picture = `${PHOTOGRAPHS_FOLDER}/${String(looked.length + 1).padStart(4, '0')}.jpg`;
      const write = writeDurably(join(writer.folder, picture), item.jpeg).catch((error: unknown) => {
        failures.push(error);
      });
      writes.add(write);
      void write.then(() => writes.delete(write));
      if (writes.size >= WRITES_AT_A_TIME) await Promise.race(writes);
      const measures = batch.quality[0];
      const quality = measures === undefined ? ({ verdict: 'good', score: 1 } as const) : judgeQuality(measures);
      looked.push({ ready: withoutPixels(item), picture, batch, quality, match: gallery.match(batch.embeddings) });
      inferenceMs += batch.inferenceMs;
    }
    if (writer === null) throw noneReadable(set, unreadable);
    const inferenceShare = inferenceMs / (performance.now() - began);
    await Promise.all(writes);
    if (failures.length > 0) throw failures[0];
    return { ...(await keep(writer, looked, unreadable, options)), inferenceShare };
  } catch (error) {
    await Promise.all(writes);
    await writer?.abandon();
    throw error;
  }

  function openWriter({ home, key, label }: PhotographAuditOptions, mode: string): Promise<ProcedureWriter> {
    const { model, manifest } = gallery;
    return openProcedureWriter(home, {
      key,
      procedure: {
        kind: 'photographs',
        label: label ?? null,
        source: { label: set.name, live: false, simulated: false, sha256: null },
        model: { name: model.name, fingerprint: model.fingerprint },
        gallery: {
          name: gallery.name,
          fingerprint: galleryFingerprint(manifest),
          exemplars: gallery.exemplars.length,
          labels: [...gallery.labels],
        },
        checklist,
        tracker: { ...assignerOptions({ labels: gallery.labels, tract: checklist.tract, calibration: manifest.calibration }) },
        analysis: { ...model.input, fps: null, fieldOfView: mode, policy: 'every', device: embedder.device.name },
      },
    }).then(async (opened) => {
      await mkdir(join(opened.folder, PHOTOGRAPHS_FOLDER));
      return opened;
    });
  }
}

async function keep(
  writer: ProcedureWriter,
  looked: readonly Looked[],
  unreadable: readonly UnreadableLine[],
  { gallery, checklist, set }: PhotographAuditOptions,
): Promise<Omit<PhotographAudit, 'inferenceShare'>> {
  const assign = createAssigner({ labels: gallery.labels, tract: checklist.tract, calibration: gallery.manifest.calibration });
  const assignments = looked.map(({ quality, match }) => assign(quality, match));
  const repeats = nearDuplicates(
    looked.map(({ ready, batch, quality }, at) => ({
      hash: ready.hash,
      embedding: batch.embeddings,
      value: quality.score + (assignments[at]?.outcome === 'assigned' ? 1 : 0),
    })),
  );
  const lines = looked.map((one, index) => lineOf(one, index, repeats[index] ?? null, assignments[index]));
  for (const [index, { quality, match, batch }] of looked.entries()) {
    const line = lines[index];
    const landmark = line?.outcome === 'assigned' || line?.outcome === 'doubtful' ? line.landmark : null;
    const written = writer.writeDetection(
      detectionLine(
        { sourceId: '', frameId: index, ptsUs: 0, quality, match },
        {
          measures: batch.quality[0] ?? null,
          current: { landmark, score: line?.score ?? 0 },
          inferenceMs: batch.inferenceMs,
          annotationAgeMs: null,
          ...(line === undefined ? {} : { picture: line.picture }),
        },
      ),
    );
    await written;
  }
  await keepEvidence(writer.folder, gallery, looked, lines);
  await writeDurably(join(writer.folder, PHOTOGRAPHS_FILE), Buffer.from(photographsText({ photographs: lines, unreadable })));

  const photographs = judgePhotographs(lines, (index) => looked[index]?.quality.score ?? 0, []);
  const sites = documentation(checklist, gallery.labels, photographs);
  for (const { id, documentedBy } of sites) {
    const best = looked[documentedBy[0] ?? -1];
    const line = lines[documentedBy[0] ?? -1];
    if (best === undefined || line === undefined) continue;
    const jpeg = await fullPicture(set.directory, best.ready);
    if (jpeg === null) continue;
    const { landmark, index } = line;
    await writer.addStill({ jpeg, type: 'still-kept', site: id, landmark, frameId: index, ptsUs: null, quality: best.quality.score });
  }
  await writer.append({
    type: 'coverage',
    checklistId: checklist.id,
    sites: sites.map(({ id, state, manual }) => ({ id, state, manual, sightings: 0, dwellMs: 0 })),
  });
  const { id, folder, headHash } = await writer.close();
  return { id, folder, headHash, sites, photographs, unreadable };
}

/** Copies the nearest exemplars of what was assigned: the gallery may be gone when somebody asks why. */
async function keepEvidence(folder: string, gallery: Gallery, looked: readonly Looked[], lines: readonly PhotographLine[]): Promise<void> {
  await mkdir(join(folder, EVIDENCE_FOLDER));
  const exemplars = new Set(
    lines.flatMap(({ landmark, repeats, index }) =>
      landmark === null || repeats !== null
        ? []
        : (looked[index]?.match.neighbours.slice(0, EVIDENCE_SHOWN).map(({ exemplar }) => exemplar) ?? []),
    ),
  );
  for (const exemplar of exemplars) {
    const jpeg = await gallery.thumbnail(exemplar);
    if (jpeg !== null) await writeDurably(join(folder, evidencePath(exemplar)), jpeg);
  }
}

/** A thousand pictures must not stay in memory. */
function withoutPixels({ path, frame, sha256, width, height, fieldOfView, hash }: ReadyPhotograph): Looked['ready'] {
  return { path, frame, sha256, width, height, fieldOfView, hash };
}

function lineOf({ ready, picture }: Looked, index: number, repeats: number | null, assignment: Assignment | undefined): PhotographLine {
  const { path, frame, sha256, width, height } = ready;
  const { outcome, landmark, score, shows, doubts, precision } = assignment ?? NOTHING;
  return {
    type: 'photograph',
    index,
    path,
    frame,
    sha256,
    width,
    height,
    picture,
    repeats,
    outcome,
    landmark,
    score,
    shows,
    doubts: [...doubts],
    precision,
  };
}

const NOTHING: Assignment = { outcome: 'unknown', landmark: null, score: 0, shows: null, doubts: [], precision: null };

function noneReadable(set: PhotographSet, unreadable: readonly UnreadableLine[]): MediaError {
  const first = unreadable[0];
  return new MediaError(
    'photographs-unreadable',
    `${set.name}: none of ${set.paths.length} files can be read${first === undefined ? '' : `; ${first.path}: ${first.reason}`}`,
    { remedy: 'Use jpg, png, tif, webp, bmp or DICOM.' },
  );
}
