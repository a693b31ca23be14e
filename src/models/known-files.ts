import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { sha256Schema } from '../common/sha256.js';

const fileSchema = z
  .object({
    id: z.string().regex(/^[a-z0-9][a-z0-9-]*$/),
    title: z.string(),
    file: z.string(),
    /** Absent where the licence forbids fetching it for the user. */
    url: z.url().optional(),
    /** Null until the file has been fetched from its official address and its hash recorded by hand. */
    sha256: sha256Schema.nullable(),
    licence: z.string(),
    origin: z.string(),
    /** Name of the backbone in a model. */
    backbone: z.string(),
  })
  .strict();

const registrySchema = z.object({ version: z.literal(1), files: z.array(fileSchema) });

/** A published checkpoint: where it is to be had, what it is, what may be done with it. */
export type KnownFile = z.infer<typeof fileSchema>;

let cached: readonly KnownFile[] | undefined;

/** The published checkpoints listed in models/registry.json. */
export function knownFiles(): readonly KnownFile[] {
  cached ??= registrySchema.parse(JSON.parse(readFileSync(new URL('../../models/registry.json', import.meta.url), 'utf8'))).files;
  return cached;
}

export const GASTRONET_LICENCE =
  'CC-BY-NC-ND-4.0 and the GastroNet data use agreement: research use, no redistribution of the weights or of what is derived from them';

/** What is known of a checkpoint's licence, and from what. */
export interface Identified {
  readonly known: KnownFile | null;
  readonly licence: string;
  readonly evidence: 'sha256' | 'file name' | 'layout' | 'given' | 'none';
}

/** Identifies a checkpoint by its SHA-256, else by its file name. A licence given by the user stands above both. */
export function identifyCheckpoint(fileName: string, sha256: string, given?: string): Identified {
  const byHash = knownFiles().find((file) => file.sha256 === sha256);
  const byName = knownFiles().find((file) => file.file === fileName && (file.sha256 === null || file.sha256 === sha256));
  const known = byHash ?? byName ?? null;
  if (given !== undefined) return { known, licence: given, evidence: 'given' };
  if (byHash !== undefined) return { known, licence: byHash.licence, evidence: 'sha256' };
  if (byName !== undefined) return { known, licence: byName.licence, evidence: 'file name' };
  // A renamed or retrained GastroNet must not lose its licence: better to restrict once too often.
  if (/gastronet/i.test(fileName)) return { known: null, licence: GASTRONET_LICENCE, evidence: 'file name' };
  return { known: null, licence: 'not stated (say it with --licence)', evidence: 'none' };
}
