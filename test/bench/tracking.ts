/**
 * Tracking accuracy on simulated procedures: the temporal filter beside the frames' own answers and majority votes.
 *
 *   npm run bench:tracking -- [--tracts upper,lower] [--patients 14] [--gallery-patients 20] [--per-class 60] [--minutes 1.5]
 *                             [--fps 4] [--threads 1] [--work DIR] [--calibrate TRIALS [--calibration-patients 6]]
 *                             [--foreign all|LANDMARK,…] [--first-patient 3000] [--model descriptors] [--json FILE]
 *
 * Drawing takes most of the time (about 4 frames a second and thread), so what was drawn is kept in `--work` and used again; delete
 * the folder after a change of the phantom. Patients of gallery, calibration and report are never the same: their seeds lie in
 * ranges of their own.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import { detectRecording } from '../../src/evaluation/detect-recording.js';
import { bootstrapSeveral, type Interval } from '../../src/evaluation/intervals.js';
import {
  compareTracking,
  trackedRecording,
  visitsOf,
  type TrackingComparisonOptions,
  type TrackingMethod,
  type TruthRecording,
} from '../../src/evaluation/tracking-comparison.js';
import { trackingMetrics, type TrackingMetrics } from '../../src/evaluation/tracking.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { BUILT_IN_MODEL, openModel } from '../../src/models/registry.js';
import { DISTURBANCES } from '../../src/phantom/disturbance.js';
import { createProcedure } from '../../src/phantom/frames.js';
import { STILL_CLASSES, writeStills } from '../../src/phantom/stills.js';
import { parseTruth } from '../../src/phantom/truth.js';
import { writeVideo } from '../../src/phantom/video.js';
import { buildGallery } from '../../src/retrieval/build-gallery.js';
import { openGallery, type Gallery } from '../../src/retrieval/gallery.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import type { Detection } from '../../src/tracking/detection.js';
import { trackerOptionsFor } from '../../src/tracking/gallery-options.js';
import { calibrateTracker } from '../support/calibrate-tracker.js';
import { timelineSvg } from '../support/timeline.js';

type Tract = 'upper' | 'lower';

/** First seeds; patients are numbered on from there, those of the report from `--first-patient`. */
const SEEDS = { gallery: 1000, calibration: 2000 } as const;
const PICTURE = { width: 320, height: 256 } as const;
const CHECKLIST_OF = { upper: 'esge-2016', lower: 'colonoscopy' } as const;
/** Stills are taken through the chains and lights that occur; what spoils a picture is not kept as one. */
const STILL_DISTURBANCES = ['bubbles', 'instrument', 'narrow-band', 'colour-cast', 'interlacing', 'compression'] as const;

interface Settings {
  readonly work: string;
  readonly patients: number;
  readonly firstPatient: number;
  readonly galleryPatients: number;
  readonly perClass: number;
  readonly calibrationPatients: number;
  readonly minutes: number;
  readonly fps: number;
  readonly threads: number;
  readonly model: string;
}

interface PatientRecording extends TruthRecording {
  readonly seed: number;
}

export default async function bench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      tracts: { type: 'string', default: 'upper,lower' },
      patients: { type: 'string', default: '14' },
      'gallery-patients': { type: 'string', default: '20' },
      'per-class': { type: 'string', default: '60' },
      'calibration-patients': { type: 'string', default: '6' },
      minutes: { type: 'string', default: '1.5' },
      fps: { type: 'string', default: '4' },
      threads: { type: 'string', default: '1' },
      work: { type: 'string', default: join(tmpdir(), 'lumenmark-bench-tracking') },
      calibrate: { type: 'string' },
      foreign: { type: 'string' },
      'first-patient': { type: 'string', default: '3000' },
      model: { type: 'string', default: BUILT_IN_MODEL },
      json: { type: 'string' },
    },
  });
  const settings: Settings = {
    work: values.work,
    patients: Number(values.patients),
    firstPatient: Number(values['first-patient']),
    galleryPatients: Number(values['gallery-patients']),
    perClass: Number(values['per-class']),
    calibrationPatients: Number(values['calibration-patients']),
    minutes: Number(values.minutes),
    fps: Number(values.fps),
    threads: Number(values.threads),
    model: values.model,
  };
  if (!(settings.firstPatient >= 3000))
    throw new RangeError('--first-patient: patients below 3000 are those of the gallery and of the calibration');
  const report: Record<string, unknown> = { settings: { ...settings, work: undefined }, seeds: SEEDS };
  for (const tract of values.tracts.split(',') as Tract[]) {
    const gallery = await galleryOf(tract, settings, STILL_CLASSES[tract]);
    const { calibration } = gallery.manifest;
    console.log(
      `\n${tract}: ${gallery.exemplars.length} exemplars of ${settings.galleryPatients} patients, ${gallery.labels.length} landmarks`,
    );
    console.log(`known: ${JSON.stringify(calibration?.chosen)}`);
    const checklist = loadChecklist(CHECKLIST_OF[tract]);
    const tracker = trackerOptionsFor(gallery, checklist);

    if (values.calibrate !== undefined) {
      const recordings = await recordingsOf(tract, 'calibration', settings.calibrationPatients, gallery, settings);
      for (const { score, options, metrics } of calibrateTracker(recordings, {
        tracker,
        checklist,
        trials: Number(values.calibrate),
        seed: 1,
      })) {
        console.log(score.toFixed(4), rowOf('', metrics), JSON.stringify(options));
      }
      continue;
    }

    const recordings = await recordingsOf(tract, 'report', settings.patients, gallery, settings);
    const methods = compareTracking(recordings, { tracker, checklist });
    printTable(methods);
    const intervals = intervalsOf(recordings, { tracker, checklist });
    console.log(`filter, 95 % (patients drawn): ${JSON.stringify(intervals)}`);
    for (const { seed, detections, truth } of recordings) {
      await writeFile(join(settings.work, tract, `timeline-${seed}.svg`), timelineSvg(detections, tracker, visitsOf(truth, 1000, 0)));
    }
    const wanted = values.foreign === 'all' ? STILL_CLASSES[tract] : (values.foreign ?? '').split(',');
    const foreign: ForeignPlace[] = [];
    for (const landmark of wanted.filter((name) => STILL_CLASSES[tract].includes(name))) {
      const place = await foreignPlace(tract, landmark, settings);
      console.log(lineOf(place));
      foreign.push(place);
    }
    report[tract] = { known: calibration?.chosen, methods, intervals, foreign };
  }
  if (values.json !== undefined) await writeFile(values.json, `${JSON.stringify(report, null, 2)}\n`);
}

/** The gallery of other patients, with the given labels only. */
async function galleryOf(tract: Tract, settings: Settings, labels: readonly string[]): Promise<Gallery> {
  const directory = join(settings.work, tract, 'stills');
  if (!existsSync(directory)) {
    const part = `${directory}.part`;
    await rm(part, { recursive: true, force: true });
    await writeStills({
      directory: part,
      classes: STILL_CLASSES[tract],
      perClass: settings.perClass,
      patients: settings.galleryPatients,
      seed: SEEDS.gallery,
      ...PICTURE,
      disturbances: STILL_DISTURBANCES,
      threads: settings.threads,
      onStill: progress(`${tract} stills`),
    });
    await rename(part, directory);
  }
  const model = await openModel(settings.model);
  const left = STILL_CLASSES[tract].filter((label) => !labels.includes(label));
  const out = join(settings.work, tract, [`gallery-${settings.model}`, ...left].join('-without-'));
  await rm(out, { recursive: true, force: true });
  await buildGallery({ directory, out, model, labels });
  return openGallery(out, { model });
}

async function recordingsOf(
  tract: Tract,
  use: 'calibration' | 'report',
  patients: number,
  gallery: Gallery,
  settings: Settings,
): Promise<PatientRecording[]> {
  const ffmpeg = await findFfmpeg();
  const embedder = await createEmbedder(gallery.model);
  const recordings: PatientRecording[] = [];
  try {
    const first = use === 'calibration' ? SEEDS.calibration : settings.firstPatient;
    for (let seed = first; seed < first + patients; seed++) {
      const directory = join(settings.work, tract, `patient-${seed}`);
      const video = join(directory, 'video.mp4');
      if (!existsSync(video)) {
        await mkdir(dirname(directory), { recursive: true });
        const procedure = createProcedure({
          tract,
          seed,
          durationS: settings.minutes * 60,
          ...PICTURE,
          fps: settings.fps,
          disturbances: [...DISTURBANCES],
          omissions: true,
        });
        await writeVideo(procedure, { directory, ffmpeg, threads: settings.threads, onFrame: progress(`${tract} patient ${seed}`) });
      }
      const detections: Detection[] = [];
      for await (const detection of detectRecording(video, { gallery, embedder, analysisFps: null, ffmpeg })) detections.push(detection);
      recordings.push({ seed, detections, truth: parseTruth(await readFile(join(directory, 'truth.ndjson'), 'utf8')) });
    }
  } finally {
    await embedder.dispose();
  }
  return recordings;
}

interface ForeignPlace {
  readonly landmark: string;
  /** Good frames of the removed landmark, and the share of them that is unknown at the calibrated threshold. */
  readonly frames: number;
  readonly unknown: number;
  /** The same for good frames of the other landmarks' visits: what is lost. */
  readonly heldFrames: number;
  readonly lost: number;
  /** Share of the removed landmark's frames that is unknown at the threshold that loses 5 % of the others. */
  readonly unknownAt5PercentLost: number;
  /** Chance that a good frame of the others is nearer than one of the removed landmark. */
  readonly auroc: number;
}

/** Removes a landmark from the gallery and plays its visits: how many of their frames are unknown, and how many others are lost. */
async function foreignPlace(tract: Tract, landmark: string, settings: Settings): Promise<ForeignPlace> {
  const gallery = await galleryOf(
    tract,
    settings,
    STILL_CLASSES[tract].filter((label) => label !== landmark),
  );
  const recordings = await recordingsOf(tract, 'report', settings.patients, gallery, settings);
  const [foreign, held] = [[] as number[], [] as number[]];
  for (const { detections, truth } of recordings) {
    for (const { ptsUs, quality, match } of detections) {
      const frame = truth.findLast((candidate) => candidate.ptsUs <= ptsUs);
      if (quality.verdict === 'good' && frame !== undefined && frame.landmark !== null)
        (frame.landmark === landmark ? foreign : held).push(match.confidence);
    }
  }
  const below = (confidences: readonly number[], threshold: number): number =>
    confidences.filter((confidence) => confidence < threshold).length / confidences.length;
  const threshold = gallery.manifest.calibration?.chosen.threshold ?? -Infinity;
  const ascending = [...held].sort((a, b) => a - b);
  const strict = ascending[Math.floor(held.length * 0.05)] ?? -Infinity;
  const aboveAll = foreign.reduce((sum, confidence) => sum + held.filter((other) => other > confidence).length, 0);
  return {
    landmark,
    frames: foreign.length,
    unknown: below(foreign, threshold),
    heldFrames: held.length,
    lost: below(held, threshold),
    unknownAt5PercentLost: below(foreign, strict),
    auroc: aboveAll / (foreign.length * held.length),
  };
}

function lineOf({ landmark, frames, unknown, heldFrames, lost, unknownAt5PercentLost, auroc }: ForeignPlace): string {
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  return (
    `without ${landmark}: unknown ${percent(unknown)} of its ${frames} frames, lost ${percent(lost)} of ${heldFrames} others; ` +
    `at 5 % lost, unknown ${percent(unknownAt5PercentLost)}; AUROC ${auroc.toFixed(3)}`
  );
}

/** 95 % intervals of the filter's metrics; patients are drawn, since the visits of one patient are no independent evidence. */
function intervalsOf(recordings: readonly PatientRecording[], options: TrackingComparisonOptions): Readonly<Record<string, Interval>> {
  const tracked = recordings.map((recording) => trackedRecording(recording, 'filter', options));
  const names = ['f1', 'falseSightingsPerMinute', 'coverage', 'onsetDelayMs'] as const;
  const statistics = (items: readonly number[]): number[] => {
    const drawn = items.flatMap((item) => tracked[item] ?? []);
    const { sightings, falseSightingsPerMinute, coverage, onsetDelayMs } = trackingMetrics(drawn, {
      labels: options.tracker.labels,
      checklist: options.checklist,
    });
    return [sightings.f1, falseSightingsPerMinute, coverage.agreement, onsetDelayMs.median].map((value) => value ?? NaN);
  };
  const intervals = bootstrapSeveral(
    recordings.map(({ seed }) => seed),
    statistics,
    { samples: 400 },
  );
  return Object.fromEntries(names.map((name, at) => [name, intervals[at] ?? [NaN, NaN]]));
}

const HEADINGS = ['frame F1', 'precision', 'recall', 'F1', 'false/min', 'onset', 'p95', 'fragments', 'coverage'];

function printTable(methods: Readonly<Record<TrackingMethod, TrackingMetrics>>): void {
  console.log(['', ...HEADINGS].map((heading) => heading.padStart(10)).join(''));
  for (const [method, metrics] of Object.entries(methods)) console.log(rowOf(method, metrics));
  const { n } = methods.filter;
  console.log(`n: ${n.recordings} patients, ${n.frames} frames, ${n.visits} visits, ${n.minutes.toFixed(1)} min`);
}

function rowOf(name: string, metrics: TrackingMetrics): string {
  const number = (value: number | null, digits = 3): string => (value === null ? '–' : value.toFixed(digits));
  const cells = [
    number(metrics.frames.macroF1),
    number(metrics.sightings.precision),
    number(metrics.sightings.recall),
    number(metrics.sightings.f1),
    number(metrics.falseSightingsPerMinute, 2),
    number(metrics.onsetDelayMs.median, 0),
    number(metrics.onsetDelayMs.p95, 0),
    number(metrics.fragmentation.mean, 2),
    number(metrics.coverage.agreement),
  ];
  return [name, ...cells].map((cell) => cell.padStart(10)).join('');
}

function progress(what: string): (done: number, of: number) => void {
  return (done, of) => {
    if (process.stderr.isTTY || done === of) process.stderr.write(`\r${what}: ${done}/${of}${done === of ? '\n' : ''}`);
  };
}
