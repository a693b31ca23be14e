import * as z from 'zod';
import { sha256Schema } from '../common/sha256.js';
import { CHECKLIST_SCHEMA } from '../tracking/checklist.js';

/** Version of everything in a procedure's folder. A reader refuses a newer one instead of misreading it. */
export const FORMAT_VERSION = 1;

const size = z.number().int().positive();
const count = z.number().int().nonnegative();

/** `procedure.json`: what is known when a procedure begins. Written once; the first line of the journal holds its hash. */
export const DESCRIPTION_SCHEMA = z.strictObject({
  format: z.literal('lumenmark-procedure'),
  version: z.literal(FORMAT_VERSION),
  id: z.string(),
  /** `recorded` from a live source, `imported` from a video, `photographs` from pictures without a video. */
  kind: z.enum(['recorded', 'imported', 'photographs']),
  /** Free text of the user, which may name a patient; null when none was given. */
  label: z.string().max(500).nullable(),
  startedAt: z.iso.datetime(),
  source: z.strictObject({
    /** For people; credentials removed. */
    label: z.string(),
    live: z.boolean(),
    /** It shows no patient: a phantom. */
    simulated: z.boolean(),
    /** Of the video file that was imported, before it was read; null for anything else. */
    sha256: sha256Schema.nullable(),
  }),
  model: z.strictObject({ name: z.string(), fingerprint: z.string() }),
  gallery: z.strictObject({
    name: z.string(),
    /** As `galleryFingerprint` makes it. */
    fingerprint: z.string(),
    exemplars: count,
    labels: z.array(z.string()),
    /**
     * What its calibration saw of single pictures at its threshold, each class counted alike. Null where it was not calibrated, absent where
     * nobody said.
     */
    calibration: z
      .strictObject({
        /** Of pictures of classes that it lacks, the share that it took for known; of pictures of classes that it has, the share that it refused. */
        falseAcceptance: z.number().min(0).max(1),
        loss: z.number().min(0).max(1),
        unknownQueries: count,
        knownQueries: count,
      })
      .nullable()
      .optional(),
  }),
  /** Whole, so that the folder can be read when the list has changed. */
  checklist: CHECKLIST_SCHEMA,
  /** Parameters of the tracker, complete; not checked here, because a later tracker may have others. */
  tracker: z.record(z.string(), z.json()),
  analysis: z.strictObject({
    /** Of the analysed pictures, px. */
    width: size,
    height: size,
    /** Analysed frames a second at most; null: every frame. */
    fps: z.number().positive().nullable(),
    /** `auto`, `none` or `WxH+X+Y` in pixels of the source. */
    fieldOfView: z.string(),
    /** `every` frame was analysed, or the `latest` when there was time. */
    policy: z.enum(['latest', 'every']),
    /** Where inference ran, e.g. `cpu`. */
    device: z.string(),
  }),
  versions: z.strictObject({
    lumenmark: z.string(),
    node: z.string(),
    ffmpeg: z.string().nullable(),
    onnxruntime: z.string().nullable(),
  }),
  clock: z.strictObject({
    /** Where the times come from: the clock of the machine, which nobody vouches for. */
    source: z.literal('system'),
    timeZone: z.string(),
  }),
});

export type ProcedureDescription = z.output<typeof DESCRIPTION_SCHEMA>;
/** What the caller of the writer says; the writer adds the rest. */
export type NewProcedure = Omit<ProcedureDescription, 'format' | 'version' | 'id' | 'startedAt' | 'clock' | 'versions'> & {
  readonly versions?: Partial<Pick<ProcedureDescription['versions'], 'ffmpeg' | 'onnxruntime'>>;
};
