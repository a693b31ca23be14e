import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MediaError } from '../../common/errors.js';
import type { Embedder } from '../../inference/embedder.js';
import type { EmbeddingCache } from '../../retrieval/embedding-cache.js';
import { galleryFingerprint } from '../../retrieval/fingerprint.js';
import type { Gallery } from '../../retrieval/gallery.js';
import type { Calibration } from '../../retrieval/manifest.js';
import type { Match } from '../../retrieval/match.js';
import { checkFieldOfViewMode, type FieldOfViewMode } from '../../retrieval/still-pixels.js';
import type { Checklist } from '../../tracking/checklist.js';
import { judgeQuality } from '../../tracking/quality.js';
import type { ProcedureDescription } from '../description.js';
import { writeDurably } from '../durable-files.js';
import type { InstallationKey } from '../key.js';
import { openProcedureWriter, type ProcedureWriter } from '../writer.js';
import { assignerOptions } from './assign.js';
import type { PhotographSet } from './find-photographs.js';
import { embedPhotographs, type EmbeddedPhotograph } from './embed-photographs.js';
import { keepPhotographs, type KeptPhotographs, type LookedAt } from './keep-photographs.js';
import { PHOTOGRAPHS_FOLDER, type UnreadableLine } from './photograph-line.js';

export interface PhotographAuditOptions {
  /** Home that the procedure is kept in; the caller holds its lock. */
  readonly home: string;
  readonly key: InstallationKey;
  readonly gallery: Gallery;
  readonly embedder: Embedder;
  readonly checklist: Checklist;
  readonly set: PhotographSet;
  /**
   * Keep the names of the files; without, each is called by its place among them, because names may tell who the patient is. The name of the
   * set is kept as it is given. Default true.
   */
  readonly names?: boolean;
  /** Free text of the user. */
  readonly label?: string;
  /** Default: what the gallery was built with. */
  readonly fieldOfView?: FieldOfViewMode;
  /** Embeddings of earlier runs. Default none. */
  readonly cache?: EmbeddingCache;
  readonly signal?: AbortSignal;
  /** Files that are done. */
  readonly onProgress?: (done: number) => void;
}

export interface PhotographAudit extends KeptPhotographs {
  /** Share of the wall time that inference took, 0…1. */
  readonly inferenceShare: number;
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
  const nameOf = options.names === false ? numbering(set) : (path: string): string => path;
  const fieldOfView = options.fieldOfView ?? gallery.manifest.preprocessing.fieldOfView;
  checkFieldOfViewMode(fieldOfView);
  const unreadable: UnreadableLine[] = [];
  const looked: LookedAt[] = [];
  const writes = new Set<Promise<void>>();
  const failures: unknown[] = [];
  let writer: ProcedureWriter | null = null;
  let inferenceMs = 0;
  const began = performance.now();

  try {
    const { onProgress, cache } = options;
    const embedded = embedPhotographs(embedder, {
      set,
      fieldOfView,
      ...(cache === undefined ? {} : { cache }),
      ...(signal === undefined ? {} : { signal }),
      ...(onProgress === undefined ? {} : { onProgress }),
    });
    for await (const one of embedded) {
      if ('reason' in one) {
        unreadable.push({ ...one, path: nameOf(one.path) });
        continue;
      }
      writer ??= await openWriter(options, fieldOfView);
      const picture = `${PHOTOGRAPHS_FOLDER}/${String(looked.length + 1).padStart(4, '0')}.jpg`;
      const write = writeDurably(join(writer.folder, picture), one.jpeg).catch((error: unknown) => {
        failures.push(error);
      });
      writes.add(write);
      void write.then(() => writes.delete(write));
      if (writes.size >= WRITES_AT_A_TIME) await Promise.race(writes);
      looked.push(lookedAt(one, picture, gallery.match(one.embedding)));
      inferenceMs += one.inferenceMs;
    }
    if (writer === null) throw noneReadable(set, unreadable);
    const inferenceShare = inferenceMs / (performance.now() - began);
    await Promise.all(writes);
    if (failures.length > 0) throw failures[0];
    return {
      ...(await keepPhotographs(writer, { looked, unreadable, gallery, checklist, directory: set.directory, nameOf })),
      inferenceShare,
    };
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
          calibration: seenBy(manifest.calibration),
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

function seenBy(calibration: Calibration | null): ProcedureDescription['gallery']['calibration'] {
  if (calibration === null) return null;
  const { chosen, unknownQueries, knownQueries } = calibration;
  return { falseAcceptance: chosen.falseAcceptance, loss: chosen.loss, unknownQueries, knownQueries };
}

/** `0007.jpg` for the seventh file. */
function numbering({ paths }: PhotographSet): (path: string) => string {
  const places = new Map(paths.map((path, at) => [path, at + 1]));
  // A name such as IM.4711 ends in a number of its own.
  return (path) => `${String(places.get(path) ?? 0).padStart(4, '0')}${/\.[a-z]{3,5}$/i.exec(path)?.[0].toLowerCase() ?? ''}`;
}

/** Without the JPEG: a thousand of them must not stay in memory. */
function lookedAt(photograph: EmbeddedPhotograph, picture: string, match: Match): LookedAt {
  const { path, frame, sha256, width, height, fieldOfView, hash, embedding, measures, inferenceMs } = photograph;
  const quality = measures === null ? ({ verdict: 'good', score: 1 } as const) : judgeQuality(measures);
  return { path, frame, sha256, width, height, fieldOfView, hash, embedding, measures, inferenceMs, picture, match, quality };
}

function noneReadable(set: PhotographSet, unreadable: readonly UnreadableLine[]): MediaError {
  const first = unreadable[0];
  return new MediaError(
    'photographs-unreadable',
    `${set.name}: none of ${set.paths.length} files can be read${first === undefined ? '' : `; ${first.path}: ${first.reason}`}`,
    { remedy: 'Use jpg, png, tif, webp, bmp or DICOM.' },
  );
}
