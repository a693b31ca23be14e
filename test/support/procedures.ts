import { createPrivateKey } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { seededRandom } from '../../src/common/random.js';
import { sha256Of } from '../../src/common/sha256.js';
import type { NewProcedure } from '../../src/procedure/description.js';
import type { DetectionLine } from '../../src/procedure/detection-line.js';
import { keyOf, type InstallationKey } from '../../src/procedure/key.js';
import { RECORDING_FILE } from '../../src/procedure/paths.js';
import { openProcedureWriter, type ClosedProcedure, type ProcedureWriter, type WriterOptions } from '../../src/procedure/writer.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import type { Sighting } from '../../src/tracking/sighting.js';

/** RFC 8410: the DER of an Ed25519 key is this prefix and its 32 bytes. */
const PKCS8_PREFIX = '302e020100300506032b657004220420';

/** The same seed gives the same key, so that a test's hashes do not change from run to run. */
export function testKey(seed = 1): InstallationKey {
  const secret = sha256Of(Buffer.from(`test key ${seed}`));
  return keyOf(createPrivateKey({ key: Buffer.from(PKCS8_PREFIX + secret, 'hex'), format: 'der', type: 'pkcs8' }));
}

const LABELS = ['z-line', 'antrum', 'pylorus', 'duodenum'];

export function newProcedure(changes: Partial<NewProcedure> = {}): NewProcedure {
  return {
    kind: 'recorded',
    label: null,
    source: { label: 'lavfi:testsrc2', live: true, simulated: true, sha256: null },
    model: { name: 'descriptors', fingerprint: sha256Of(Buffer.from('model')) },
    gallery: { name: 'test', fingerprint: sha256Of(Buffer.from('gallery')), exemplars: 40, labels: LABELS },
    checklist: loadChecklist('esge-2016'),
    tracker: { labels: LABELS, openAbove: 0.75 },
    analysis: { width: 224, height: 224, fps: 5, fieldOfView: 'auto', policy: 'latest', device: 'cpu' },
    ...changes,
  };
}

/** A seeded detection: what its numbers say means nothing. */
export function testDetection(frameId: number, random: () => number): DetectionLine {
  const scores = LABELS.map((label) => ({ label, score: random() })).sort((a, b) => b.score - a.score);
  const sum = scores.reduce((total, { score }) => total + score, 0);
  return {
    frameId,
    ptsUs: frameId * 200_000,
    quality: { verdict: 'good', score: random(), measures: { luminance: 0.4, sharpness: -2.5 } },
    known: random() > 0.3,
    confidence: random(),
    scores: scores.map(({ label, score }) => ({ label, score: score / sum })),
    neighbours: Array.from({ length: 5 }, (_, at) => ({ exemplar: at, label: LABELS[at % LABELS.length]!, similarity: 0.9 - at / 100 })),
    current: { landmark: scores[0]!.label, score: 0.8 },
    inferenceMs: 12.5,
    annotationAgeMs: 40,
  };
}

export function testSighting(id: number, landmark: string, startFrameId: number, frames: number): Sighting {
  const at = (frameId: number): { frameId: number; ptsUs: number } => ({ frameId, ptsUs: frameId * 200_000 });
  const [start, end] = [at(startFrameId), at(startFrameId + frames)];
  return {
    id,
    sourceId: 'room-1',
    landmark,
    startPtsUs: start.ptsUs,
    startFrameId: start.frameId,
    endPtsUs: end.ptsUs,
    endFrameId: end.frameId,
    confidence: 0.9,
    frames,
    best: { ...at(startFrameId + 1), quality: 0.8, score: 0.7 },
  };
}

export interface TestProcedureOptions {
  readonly seed?: number;
  /** Analysed frames. Default 20. */
  readonly frames?: number;
  readonly recordingBytes?: number;
  readonly procedure?: Partial<NewProcedure>;
  readonly key?: InstallationKey;
  readonly clock?: WriterOptions['clock'];
}

/** A folder with everything a procedure keeps: sightings, coverage, stills, marks, detections, bytes in place of a video. Not closed. */
export async function writeTestProcedure(home: string, options: TestProcedureOptions = {}): Promise<ProcedureWriter> {
  const { seed = 1, frames = 20, recordingBytes = 4096 } = options;
  const random = seededRandom(seed);
  const bytes = (length: number): Buffer => Buffer.from(Uint8Array.from({ length }, () => random() * 256));
  const writer = await openProcedureWriter(home, {
    procedure: newProcedure(options.procedure),
    key: options.key ?? testKey(),
    ...(options.clock === undefined ? {} : { clock: options.clock }),
  });
  await writer.append({ type: 'source', state: 'running', detail: null, reconnects: 0 });
  await writer.append({ type: 'recording-started', file: RECORDING_FILE, codec: 'h264', originPtsUs: 0 });
  for (let frameId = 0; frameId < frames; frameId++) void writer.writeDetection(testDetection(frameId, random));
  for (const [id, landmark] of LABELS.entries()) {
    const sighting = testSighting(id, landmark, id * 5, 4);
    await writer.append({ type: 'sighting-opened', sighting });
    await writer.append({ type: 'sighting-closed', sighting, reason: 'faded' });
    const { frameId, ptsUs, quality } = sighting.best;
    await writer.addStill({ jpeg: bytes(600), type: 'still-kept', site: landmark, landmark, frameId, ptsUs, quality });
    await writer.append({
      type: 'coverage',
      checklistId: 'esge-2016',
      sites: [{ id: landmark, state: 'documented', manual: false, sightings: 1, dwellMs: 800 }],
    });
  }
  await writer.append({ type: 'site-set', by: 'Dr Example', site: 'fundus', state: 'seen', reason: 'seen in retroflexion “briefly”' });
  await writer.append({ type: 'note', by: 'Dr Example', text: 'Ödem, 5 × 3 mm\nno biopsy', ptsUs: 1_000_000 });
  writeFileSync(join(writer.folder, RECORDING_FILE), bytes(recordingBytes));
  return writer;
}

export async function closedTestProcedure(home: string, options: TestProcedureOptions = {}): Promise<ClosedProcedure> {
  return (await writeTestProcedure(home, options)).close();
}
