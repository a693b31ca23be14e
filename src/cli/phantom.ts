import { availableParallelism } from 'node:os';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { progressBar } from '../common/progress.js';
import { findFfmpeg } from '../media/ffmpeg.js';
import type { Tract } from '../phantom/anatomy/anatomy.js';
import { DISTURBANCES, type Disturbance } from '../phantom/disturbance.js';
import { createProcedure } from '../phantom/frames.js';
import { visitsOf } from '../phantom/truth.js';
import { STILL_CLASSES, writeStills } from '../phantom/stills.js';
import { writeVideo } from '../phantom/video.js';
import { count, positive, wholeBetween } from './flags/values.js';
import { abortable } from './terminal/interrupt.js';

interface VideoFlags {
  readonly site: Tract;
  readonly seed: number;
  readonly minutes: number;
  readonly out: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly fps: number;
  readonly disturbances: readonly Disturbance[];
  readonly omissions?: true;
  readonly crf: number;
  readonly threads: number;
  readonly ffmpeg?: string;
  readonly json?: true;
}

interface StillsFlags {
  readonly classes: readonly string[];
  readonly perClass: number;
  readonly patients: number;
  readonly seed: number;
  readonly out: string;
  readonly size: { readonly width: number; readonly height: number };
  readonly disturbances: readonly Disturbance[];
  readonly split?: readonly [number, number, number];
  readonly threads: number;
  readonly json?: true;
}

/** A seed is 32 bits, and those of further patients follow it. */
const seed = wholeBetween(0, 2 ** 32 - 1);
const threads = wholeBetween(1, 256);
const LONGEST_MINUTES = 600;
const LARGEST_PX = 4096;

/** `lumenmark phantom`: simulated procedures with ground truth. */
export function register(program: Command): void {
  const phantom = program.command('phantom').description('simulated procedures with ground truth');

  phantom
    .command('video')
    .description('a simulated procedure: DIR/video.mp4 (H.264) and DIR/truth.ndjson (one line per frame)')
    .addOption(new Option('--site <tract>', 'which tract').choices(['upper', 'lower']).makeOptionMandatory())
    .requiredOption('--out <dir>', 'folder to write into')
    .option('--seed <n>', 'the patient; the same seed gives the same pixels', seed, 1)
    .option('--minutes <m>', 'length of the procedure', minutes, 1.5)
    .addOption(new Option('--size <WxH>', 'size of the whole picture, px').argParser(size).default({ width: 384, height: 320 }, '384x320'))
    .option('--fps <n>', 'frames per second', framesPerSecond, 20)
    .addOption(disturbancesOption().default([...DISTURBANCES], 'all'))
    .option('--omissions', 'leave out parts of the examination, as the seed decides')
    .option('--crf <n>', 'quality of the encoding, 0 (lossless) to 51', wholeBetween(0, 51), 23)
    .option('--threads <n>', 'drawing threads', threads, Math.max(1, availableParallelism() - 1))
    .option('--ffmpeg <path>', 'the ffmpeg to encode with')
    .option('--json', 'print the result as JSON')
    .action(async (flags: VideoFlags) => {
      const ffmpeg = await findFfmpeg(flags.ffmpeg === undefined ? {} : { path: flags.ffmpeg });
      const procedure = createProcedure({
        tract: flags.site,
        seed: flags.seed,
        durationS: flags.minutes * 60,
        ...flags.size,
        fps: flags.fps,
        disturbances: flags.disturbances,
        omissions: flags.omissions ?? false,
      });
      const bar = progressBar();
      const written = await abortable((signal) =>
        writeVideo(procedure, {
          directory: flags.out,
          ffmpeg,
          threads: flags.threads,
          crf: flags.crf,
          replace: false,
          onFrame: (done, total) => {
            bar.update({ label: 'drawing', done, total });
          },
          signal,
        }),
      );
      bar.end();
      const visits = visitsOf(procedure.truth);
      if (flags.json === true) {
        console.log(JSON.stringify({ ...written, visits }));
        return;
      }
      console.log(`${written.frames} frames: ${written.video}, ${written.truth}`);
      for (const { landmark, startPtsUs, endPtsUs } of visits) {
        console.log(`  ${(startPtsUs / 1e6).toFixed(1).padStart(7)} – ${(endPtsUs / 1e6).toFixed(1).padStart(6)} s  ${landmark}`);
      }
    });

  phantom
    .command('stills')
    .description('stills of landmarks: a folder per class, PNG files named after the patient')
    .requiredOption('--classes <list>', 'class ids; upper and lower stand for all of a tract', classes)
    .requiredOption('--out <dir>', 'folder to write into')
    .option('--per-class <n>', 'pictures of each class over all patients', count, 40)
    .option('--patients <n>', 'patients, with the seeds from --seed on', count, 20)
    .option('--seed <n>', 'seed of the first patient', seed, 1)
    .option('--split <train,val,test>', 'shares of patients in train/, val/ and test/', split)
    .addOption(new Option('--size <WxH>', 'size of the pictures, px').argParser(size).default({ width: 320, height: 256 }, '320x256'))
    .addOption(disturbancesOption().default([], 'none'))
    .option('--threads <n>', 'drawing threads', threads, Math.max(1, availableParallelism() - 1))
    .option('--json', 'print the stills as JSON')
    .action(async ({ out, size: pictureSize, split: shares, json, ...flags }: StillsFlags) => {
      const bar = progressBar();
      const written = await abortable((signal) =>
        writeStills({
          ...flags,
          ...pictureSize,
          directory: out,
          onStill: (done, total) => {
            bar.update({ label: 'drawing', done, total });
          },
          ...(shares === undefined ? {} : { split: shares }),
          signal,
        }),
      );
      bar.end();
      if (json === true) {
        console.log(JSON.stringify(written));
        return;
      }
      console.log(`${written.length} stills of ${new Set(written.map(({ patient }) => patient)).size} patients in ${out}`);
      for (const label of flags.classes) {
        const drawn = written.filter((still) => still.label === label).length;
        if (drawn < flags.perClass) console.log(`  ${label}: ${drawn} of ${flags.perClass}, its patients show it in no more frames`);
      }
    });
}

function disturbancesOption(): Option {
  return new Option('--disturbances <list>', `all, none, or a list of ${DISTURBANCES.join(', ')}`).argParser(disturbances);
}

function minutes(value: string): number {
  if (positive(value) > LONGEST_MINUTES) throw new InvalidArgumentError(`It takes at most ${LONGEST_MINUTES}.`);
  return Number(value);
}

function framesPerSecond(value: string): number {
  if (positive(value) > 240) throw new InvalidArgumentError('It takes at most 240.');
  return Number(value);
}

function size(value: string): { width: number; height: number } {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(value)?.map(Number) ?? [];
  if (
    width === undefined ||
    height === undefined ||
    width % 2 === 1 ||
    height % 2 === 1 ||
    width < 96 ||
    height < 96 ||
    Math.max(width, height) > LARGEST_PX
  ) {
    throw new InvalidArgumentError(`It takes WIDTHxHEIGHT, both even, from 96 to ${LARGEST_PX}.`);
  }
  return { width, height };
}

function classes(value: string): readonly string[] {
  return [...new Set(value.split(',').flatMap((name) => (name === 'upper' || name === 'lower' ? STILL_CLASSES[name] : [name.trim()])))];
}

function split(value: string): readonly [number, number, number] {
  const [train = NaN, val = NaN, test = NaN, ...rest] = value.split(',').map(Number);
  if (![train, val, test].every((share) => share >= 0 && Number.isFinite(share)) || rest.length > 0 || train + val + test <= 0) {
    throw new InvalidArgumentError('It takes three shares, such as 0.7,0.15,0.15.');
  }
  return [train, val, test];
}

function disturbances(value: string): readonly Disturbance[] {
  if (value === 'all') return [...DISTURBANCES];
  if (value === 'none') return [];
  return value.split(',').map((name) => {
    const known = DISTURBANCES.find((kind) => kind === name.trim());
    if (known === undefined) throw new InvalidArgumentError(`"${name}" is unknown; known are all, none, ${DISTURBANCES.join(', ')}.`);
    return known;
  });
}
