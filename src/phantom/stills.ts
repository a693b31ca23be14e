import { mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { UsageError } from '../common/errors.js';
import type { Tract } from './anatomy/anatomy.js';
import type { Disturbance } from './disturbance.js';
import { createProcedure, type Procedure } from './frames.js';
import { encodePng } from './png.js';
import { randomStream } from './random.js';
import type { FrameTruth } from './truth.js';
import { writeWhole } from './write-whole.js';

/** Classes that stills can be made of, by tract; both have `out-of-body`. */
export const STILL_CLASSES: Readonly<Record<Tract, readonly string[]>> = {
  upper: [
    'proximal-esophagus',
    'distal-esophagus',
    'z-line',
    'cardia-retroflex',
    'stomach-body',
    'body-retroflex',
    'angulus',
    'antrum',
    'pylorus',
    'duodenal-bulb',
    'duodenum',
  ],
  lower: [
    'rectum',
    'retroflex-rectum',
    'sigmoid',
    'descending-colon',
    'transverse-colon',
    'ascending-colon',
    'ileocecal-valve',
    'cecum',
    'appendiceal-orifice',
    'terminal-ileum',
  ],
};

export interface DrawStillsOptions {
  /** Canonical class ids of {@link STILL_CLASSES}, or `out-of-body`. */
  readonly classes: readonly string[];
  /** Pictures of each class over all patients; patients take turns. Fewer where a patient shows a landmark in too few frames: none is drawn twice. */
  readonly perClass: number;
  /** Patients have the seeds `seed` … `seed + patients - 1`. */
  readonly patients: number;
  readonly seed: number;
  readonly width: number;
  readonly height: number;
  readonly disturbances: readonly Disturbance[];
  /** Shares of patients that go to `train/`, `val/` and `test/`; without it, the classes lie in the folder itself. */
  readonly split?: readonly [train: number, val: number, test: number];
  /** Worker threads that draw; default 1. */
  readonly threads?: number;
  readonly signal?: AbortSignal;
}

export interface StillsOptions extends DrawStillsOptions {
  readonly directory: string;
  readonly onStill?: (done: number, of: number) => void;
}

export interface WrittenStill {
  /** Below the folder, with `/`. */
  readonly path: string;
  readonly label: string;
  readonly patient: number;
  readonly truth: FrameTruth;
}

export interface DrawnStill extends WrittenStill {
  /** RGB, row by row; owns its memory. */
  readonly pixels: Uint8ClampedArray<ArrayBuffer>;
}

/** Length of the procedure that a patient's stills are taken from, and how densely it is looked through. */
const DURATION_S = 120;
const FPS = 10;
/** A still that anyone would keep shows its landmark this well. */
const LEAST_VISIBILITY = 0.55;
const SPOILT: readonly Disturbance[] = ['red-out', 'motion-blur', 'defocus', 'water'];

/**
 * Draws stills of landmarks, named by class and patient: pictures as they come up in that patient's simulated procedure, spread over the visits. A
 * patient is on one side of a split only.
 * @throws UsageError for a class that no tract has.
 */
export async function* drawStills(options: DrawStillsOptions): AsyncGenerator<DrawnStill, void, undefined> {
  const { classes, patients, perClass, seed, width, height, disturbances, signal } = options;
  for (const label of classes) tractsOf(label);
  // A procedure is outside the body at its ends only with that disturbance.
  const shown: readonly Disturbance[] = classes.includes('out-of-body')
    ? [...new Set([...disturbances, 'out-of-body' as const])]
    : disturbances;
  const wanted = Array.from(
    { length: patients },
    (_, patient) => Math.floor((perClass * (patient + 1)) / patients) - Math.floor((perClass * patient) / patients),
  );
  for (let patient = 0; patient < patients; patient++) {
    const count = wanted[patient] as number;
    if (count === 0) continue;
    const folder = folderOf(patient, patients, options.split);
    for (const tract of ['upper', 'lower'] as const) {
      const labels = classes.filter((label) => tractsOf(label)[patient % tractsOf(label).length] === tract);
      if (labels.length === 0) continue;
      const procedure = createProcedure({
        ...{ tract, seed: seed + patient, width, height, disturbances: shown, durationS: DURATION_S, fps: FPS },
      });
      const chosen = labels.flatMap((label) => chooseFrames(procedure, label, count).map((frame) => ({ label, frame })));
      chosen.sort((a, b) => a.frame - b.frame);
      const places = new Map<string, number>();
      let next = 0;
      const frames = chosen.map(({ frame }) => frame);
      for await (const { pixels, truth } of procedure.render({
        threads: options.threads ?? 1,
        frames,
        ...(signal === undefined ? {} : { signal }),
      })) {
        const { label } = chosen[next++] as (typeof chosen)[number];
        const place = (places.get(label) ?? 0) + 1;
        places.set(label, place);
        const path = [...folder, label, `patient-${seed + patient}-${String(place).padStart(2, '0')}.png`].join('/');
        yield { path, label, patient: seed + patient, truth, pixels };
      }
    }
  }
}

/** Writes such stills as PNG files, a folder per class. @throws UsageError for a class that no tract has. */
export async function writeStills({ directory, onStill, ...options }: StillsOptions): Promise<WrittenStill[]> {
  const total = options.perClass * options.classes.length;
  const written: WrittenStill[] = [];
  for await (const { pixels, ...still } of drawStills(options)) {
    await mkdir(join(directory, dirname(still.path)), { recursive: true });
    await writeWhole(join(directory, still.path), encodePng(pixels, options.width, options.height));
    written.push(still);
    onStill?.(written.length, total);
  }
  return written;
}

function tractsOf(label: string): readonly Tract[] {
  if (label === 'out-of-body') return ['upper', 'lower'];
  const tracts = (['upper', 'lower'] as const).filter((tract) => STILL_CLASSES[tract].includes(label));
  if (tracts.length > 0) return tracts;
  throw new UsageError('phantom-class', `There are no simulated stills of "${label}".`, {
    remedy: `Choose from ${[...STILL_CLASSES.upper, ...STILL_CLASSES.lower, 'out-of-body'].join(', ')}.`,
  });
}

/** Frames spread evenly over all that show the landmark, each moved a little within its share. */
function chooseFrames({ truth, options }: Procedure, label: string, count: number): number[] {
  const fit = (least: number): FrameTruth[] =>
    label === 'out-of-body'
      ? truth.filter(({ site }) => site === label)
      : truth.filter(
          ({ landmark, visibility, flags }) => landmark === label && visibility >= least && !flags.some((flag) => SPOILT.includes(flag)),
        );
  const good = fit(LEAST_VISIBILITY);
  const frames = good.length >= count ? good : fit(0);
  const random = randomStream(options.seed, options.tract, 'stills', label);
  const chosen = Array.from({ length: count }, (_, index) => frames[Math.floor(((index + random()) / count) * frames.length)]?.frame ?? -1);
  return [...new Set(chosen)].filter((frame) => frame >= 0);
}

function folderOf(patient: number, patients: number, split: StillsOptions['split']): readonly string[] {
  if (split === undefined) return [];
  const [train, val] = split;
  const whole = split[0] + split[1] + split[2];
  const place = (patient + 0.5) / patients;
  return [place < train / whole ? 'train' : place < (train + val) / whole ? 'val' : 'test'];
}
