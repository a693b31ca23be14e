import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gallery } from '../../retrieval/gallery.js';
import type { Match } from '../../retrieval/match.js';
import type { Checklist } from '../../tracking/checklist.js';
import type { FrameQuality } from '../../tracking/detection.js';
import { detectionLine } from '../detection-line.js';
import { writeDurably } from '../durable-files.js';
import type { ClosedProcedure, ProcedureWriter } from '../writer.js';
import { createAssigner, type Assignment } from './assign.js';
import { documentation, judgePhotographs, type JudgedPhotograph, type SiteDocumentation } from './documentation.js';
import type { EmbeddedPhotograph } from './embed-photographs.js';
import { EVIDENCE_FOLDER, EVIDENCE_SHOWN, evidencePath, hasEvidence } from './evidence.js';
import { nearDuplicates } from './near-duplicates.js';
import { PHOTOGRAPHS_FILE, photographsText, type PhotographLine, type UnreadableLine } from './photograph-line.js';
import { fullPicture } from './prepare-photograph.js';

/** A photograph that was looked at; its picture is on the disk. */
export interface LookedAt extends Omit<EmbeddedPhotograph, 'jpeg'> {
  readonly picture: string;
  readonly match: Match;
  readonly quality: FrameQuality;
}

export interface FoundPhotographs {
  readonly looked: readonly LookedAt[];
  readonly unreadable: readonly UnreadableLine[];
  readonly gallery: Gallery;
  readonly checklist: Checklist;
  /** What the paths are below. */
  readonly directory: string;
  /** What a file is called from now on. */
  readonly nameOf: (path: string) => string;
}

export interface KeptPhotographs extends ClosedProcedure {
  readonly sites: readonly SiteDocumentation[];
  readonly photographs: readonly JudgedPhotograph[];
  readonly unreadable: readonly UnreadableLine[];
}

/** Judges what was looked at, writes all of it into the folder of a procedure, and closes that. */
export async function keepPhotographs(
  writer: ProcedureWriter,
  { looked, unreadable, gallery, checklist, directory, nameOf }: FoundPhotographs,
): Promise<KeptPhotographs> {
  const assign = createAssigner({ labels: gallery.labels, tract: checklist.tract, calibration: gallery.manifest.calibration });
  const assignments = looked.map(({ quality, match }) => assign(quality, match));
  const repeats = nearDuplicates(
    looked.map(({ hash, embedding, quality }, at) => ({
      hash,
      embedding,
      value: quality.score + (assignments[at]?.outcome === 'assigned' ? 1 : 0),
    })),
  );
  const lines = looked.map((one, index) => lineOf({ ...one, path: nameOf(one.path) }, index, repeats[index] ?? null, assignments[index]));
  for (const [index, { quality, match, measures, inferenceMs }] of looked.entries()) {
    const line = lines[index];
    const landmark = line?.outcome === 'assigned' || line?.outcome === 'doubtful' ? line.landmark : null;
    const written = writer.writeDetection(
      detectionLine(
        { sourceId: '', frameId: index, ptsUs: 0, quality, match },
        {
          measures,
          current: { landmark, score: line?.score ?? 0 },
          inferenceMs,
          annotationAgeMs: null,
          ...(line === undefined ? {} : { picture: line.picture }),
        },
      ),
    );
    await written;
  }
  await keepEvidence(writer.folder, gallery, looked, lines);
  await writeDurably(join(writer.folder, PHOTOGRAPHS_FILE), Buffer.from(photographsText({ photographs: lines, unreadable })));

  await Promise.all(
    lines.map(({ index, picture: file, outcome, landmark, score, quality, repeats }) =>
      writer.append({ type: 'photograph', index, file, outcome, landmark, score, quality, repeats }),
    ),
  );
  const photographs = judgePhotographs(lines);
  const sites = documentation(checklist, gallery.labels, photographs);
  for (const { id, documentedBy } of sites) {
    const best = looked[documentedBy[0] ?? -1];
    const line = lines[documentedBy[0] ?? -1];
    if (best === undefined || line === undefined) continue;
    const jpeg = await fullPicture(directory, best);
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

/** Copies the nearest exemplars of what could be judged: the gallery may be gone when somebody asks why. */
async function keepEvidence(
  folder: string,
  gallery: Gallery,
  looked: readonly LookedAt[],
  lines: readonly PhotographLine[],
): Promise<void> {
  await mkdir(join(folder, EVIDENCE_FOLDER));
  const exemplars = new Set(
    lines.flatMap((line) =>
      !hasEvidence(line) ? [] : (looked[line.index]?.match.neighbours.slice(0, EVIDENCE_SHOWN).map(({ exemplar }) => exemplar) ?? []),
    ),
  );
  for (const exemplar of exemplars) {
    const jpeg = await gallery.thumbnail(exemplar);
    if (jpeg !== null) await writeDurably(join(folder, evidencePath(exemplar)), jpeg);
  }
}

function lineOf(
  { path, frame, sha256, width, height, picture, quality }: LookedAt,
  index: number,
  repeats: number | null,
  assignment: Assignment = NOTHING,
): PhotographLine {
  const { outcome, landmark, score, shows, doubts, precision } = assignment;
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
    quality: quality.score,
    shows,
    doubts: [...doubts],
    precision,
  };
}

const NOTHING: Assignment = { outcome: 'unknown', landmark: null, score: 0, shows: null, doubts: [], precision: null };
