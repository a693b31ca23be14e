import * as z from 'zod';
import { fieldOfViewSchema } from '../capture/field-of-view-schema.js';
import { CHECKLIST_SCHEMA } from '../tracking/checklist.js';
import { sha256Schema } from '../common/sha256.js';
import { relativePathSchema } from './paths.js';

const count = z.number().int().nonnegative();
const size = z.number().int().positive();
const ptsUs = z.number().nonnegative();
const text = z.string().max(4000);

const best = z.strictObject({ frameId: count, ptsUs, quality: z.number(), score: z.number() });
const sighting = z.strictObject({
  id: count,
  sourceId: z.string(),
  landmark: z.string(),
  startPtsUs: z.number(),
  startFrameId: count,
  endPtsUs: z.number(),
  endFrameId: count,
  confidence: z.number(),
  frames: count,
  best,
});
const state = z.enum(['unsupported', 'unseen', 'seen', 'documented']);

/** A file of the folder as it was when the line was written. */
const file = z.strictObject({ path: relativePathSchema, bytes: count, sha256: sha256Schema });
export type FileRecord = z.output<typeof file>;

/** A part of a file that a crash had left unfinished and that was moved to a file of its own. */
const torn = z.strictObject({ path: relativePathSchema, bytes: size, sha256: sha256Schema, keptAs: relativePathSchema });
export type TornRecord = z.output<typeof torn>;

const picture = {
  /** Of the frame that is shown; null for a photograph that was never a frame. */
  frameId: count.nullable(),
  ptsUs: ptsUs.nullable(),
  file: relativePathSchema,
  bytes: count,
  sha256: sha256Schema,
};

/** What each type of line says, beside what all lines have. */
const PAYLOADS = {
  opened: { procedure: z.string(), model: z.string(), gallery: z.string(), software: z.string(), clock: z.string() },
  'sighting-opened': { sighting },
  'sighting-closed': { sighting, reason: z.enum(['faded', 'replaced', 'lost', 'discontinuity', 'finished']) },
  /** The state of every site, written when one of them changes. */
  coverage: {
    checklistId: z.string(),
    sites: z.array(z.strictObject({ id: z.string(), state, manual: z.boolean(), sightings: count, dwellMs: z.number().nonnegative() })),
  },
  /** The best picture of a landmark so far; a later line for the same site replaces it, the file stays. */
  'still-kept': { site: z.string().nullable(), landmark: z.string(), quality: z.number().nullable(), ...picture },
  /** A picture kept by hand. */
  capture: { landmark: z.string().nullable(), ...picture },
  'site-set': { site: z.string(), state: z.enum(['unseen', 'seen', 'documented']), reason: text },
  /** Takes back what was set by hand; the machine's word counts again. */
  'site-cleared': { site: z.string(), reason: text },
  note: { text, ptsUs: ptsUs.nullable() },
  /** An intervention begins: the withdrawal timer stops … */
  pause: { reason: text.nullable(), ptsUs: ptsUs.nullable() },
  /** … and goes on. */
  resume: { ptsUs: ptsUs.nullable() },
  source: { state: z.string(), detail: z.string().nullable(), reconnects: count },
  'field-of-view': { fieldOfView: fieldOfViewSchema },
  /** Another checklist applies from here on. */
  checklist: { checklist: CHECKLIST_SCHEMA },
  'recording-started': {
    file: relativePathSchema,
    codec: z.string(),
    /** `ptsUs` of the detections at which the video's own time is 0. */
    originPtsUs: z.number(),
  },
  'recording-stopped': {
    reason: z.enum(['closed', 'disk-full', 'failed', 'interrupted', 'source']),
    detail: z.string().nullable(),
    frames: count.nullable(),
    durationMs: z.number().nonnegative().nullable(),
  },
  'disk-low': { freeBytes: count },
  /** Inspection and withdrawal are null where the checklist has no such time. */
  timers: {
    totalMs: z.number().nonnegative(),
    inspectionMs: z.number().nonnegative().nullable(),
    withdrawalMs: z.number().nonnegative().nullable(),
  },
  /** The clock of the machine was set: `jumpMs` is what it moved beyond the time that passed, negative when it went back. */
  clock: { previousAt: z.iso.datetime(), jumpMs: z.number() },
  /** What the machine made of one photograph, where there is no video; see `AssignedPhotograph`. */
  photograph: {
    index: count,
    file: relativePathSchema,
    outcome: z.enum(['assigned', 'doubtful', 'unknown', 'other', 'unusable']),
    landmark: z.string().nullable(),
    score: z.number().min(0).max(1),
    quality: z.number().min(0).max(1),
    repeats: count.nullable(),
  },
  /** A photograph was assigned to another landmark (null: to none) by hand. */
  assignment: { file: relativePathSchema, from: z.string().nullable(), to: z.string().nullable(), reason: text },
  /** Marked for audit, or no longer: while it is, retention never deletes it. */
  'audit-hold': { on: z.boolean(), reason: text },
  closed: { files: z.array(file) },
  /** Closed at the next start, after the process died; `lastAt` is the time of the last line that it left. */
  interrupted: { lastAt: z.iso.datetime(), torn: z.array(torn), files: z.array(file) },
  /** Ed25519 over the line itself without `signature`, hence over the hash of everything before; `key` is the public key. */
  seal: { key: sha256Schema, signature: z.string().regex(/^[0-9a-f]{128}$/, 'is no Ed25519 signature') },
} as const;

export type EntryType = keyof typeof PAYLOADS;
type Payload<Type extends EntryType> = z.output<z.ZodObject<(typeof PAYLOADS)[Type], z.core.$strict>>;

const COMMON = {
  /** Counts up from 0. */
  seq: count,
  /** Clock of the machine. */
  at: z.iso.datetime(),
  /** Since the procedure was opened, ms, on a clock that cannot be set; null in lines of a later process. */
  monotonicMs: z.number().nonnegative().nullable(),
  /** SHA-256 of the line before, without its line feed; of `procedure.json` in line 0. */
  previous: sha256Schema,
};
/** A person, or `lumenmark`. */
const by = z.string().min(1).max(200);

const SCHEMAS = new Map(
  Object.entries(PAYLOADS).map(([type, payload]) => [type, z.strictObject({ ...COMMON, type: z.literal(type), by, ...payload })]),
);

interface Common {
  readonly seq: number;
  readonly at: string;
  readonly monotonicMs: number | null;
  readonly previous: string;
  readonly by: string;
}
type Entries = { readonly [Type in EntryType]: Common & { readonly type: Type } & Readonly<Payload<Type>> };
type NewEntries = { readonly [Type in EntryType]: { readonly type: Type; readonly by?: string } & Readonly<Payload<Type>> };

/** One line of `journal.ndjson`, of one type or of any. */
export type Entry<Type extends EntryType = EntryType> = Entries[Type];
/** What a caller says of a line; `by` is `lumenmark` when it is left out. */
export type NewEntry<Type extends EntryType = EntryType> = NewEntries[Type];

/** Types that end what the procedure itself has to say; only amendments may follow. */
const CLOSING_TYPES = ['closed', 'interrupted'] as const satisfies EntryType[];
/** Types that an auditor may append to a closed procedure, each followed by a seal. */
const AMENDMENT_TYPES = ['site-set', 'site-cleared', 'assignment', 'audit-hold', 'note'] as const satisfies EntryType[];
export type AmendmentType = (typeof AMENDMENT_TYPES)[number];

export function isClosing(entry: Pick<Entry, 'type'>): entry is Entry<(typeof CLOSING_TYPES)[number]> {
  return (CLOSING_TYPES as readonly EntryType[]).includes(entry.type);
}

export function isAmendment(entry: Pick<Entry, 'type'>): boolean {
  return (AMENDMENT_TYPES as readonly EntryType[]).includes(entry.type);
}

export type ParsedEntry = { readonly entry: Entry } | { readonly problem: string };

/** Checks one parsed line; the problem names the field. */
export function parseEntry(value: unknown): ParsedEntry {
  const type = z.looseObject({ type: z.string() }).safeParse(value);
  if (!type.success) return { problem: 'has no type' };
  const schema = SCHEMAS.get(type.data.type);
  if (schema === undefined) return { problem: `has the unknown type “${type.data.type}”` };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { entry: parsed.data as unknown as Entry };
  const issue = parsed.error.issues[0];
  return { problem: `${type.data.type}: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not valid'}` };
}
