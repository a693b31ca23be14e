import { readFile, stat } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import { ProcedureError, UsageError } from '../common/errors.js';
import { checkChain, type ChainCheck } from './check-chain.js';
import { checkFiles, type FilesCheckOptions } from './check-files.js';
import { isClosing, type Entry } from './entries.js';
import type { Finding } from './finding.js';
import { readJournalLines } from './journal-lines.js';
import { keyName } from './key.js';
import { DESCRIPTION_FILE, isProcedureId, JOURNAL_FILE } from './paths.js';
import { parseDescription } from './reader.js';

export interface VerifyOptions extends FilesCheckOptions {
  /** Public key that must have sealed it, hex; whoever passes it got it by another way than the folder came. */
  readonly expectedKey?: string;
  /** Public key of this installation, hex, or null when it has none yet. */
  readonly ownKey?: string | null;
  /** Head hash that was kept elsewhere, at least the first 16 digits of it. */
  readonly expectedHead?: string;
}

export interface SealSummary {
  readonly line: number;
  readonly at: string;
  /** Head hash at that time. */
  readonly headHash: string;
  readonly key: string;
}

export interface Verification {
  readonly folder: string;
  /** Null when `procedure.json` no longer says it. */
  readonly id: string | null;
  /** Of the worst finding; `intact` when there is none. */
  readonly verdict: 'intact' | 'unfinished' | 'altered';
  /** The first of the journal comes first, then files in the order of their paths. */
  readonly findings: readonly Finding[];
  /** How it was closed; null where nothing closes it. `interrupted`: after its process had died, with what was there then. */
  readonly closing: 'closed' | 'interrupted' | null;
  readonly lines: number;
  readonly files: number;
  /** Genuine seals, in order: the closing, then one for each amendment. */
  readonly seals: readonly SealSummary[];
  /** Of the last seal. */
  readonly headHash: string | null;
  /** Whose key the seals are of: `expected` or `own` when it is known, else `unknown`, which anybody may have made. */
  readonly key: { readonly publicKey: string; readonly name: string; readonly owner: 'expected' | 'own' | 'unknown' } | null;
  /** How many amendments were sealed after the head that was kept elsewhere; null when none was given or it is unknown. */
  readonly amendmentsSinceHead: number | null;
}

/**
 * Checks that nothing in a procedure's folder was altered, removed, reordered or added since it was closed. What is proven by it, and what is
 * not, stands in docs/audit.md.
 * @throws ProcedureError `procedure-missing` for what is no procedure at all, `procedure-newer` for one that this software cannot judge;
 * UsageError `head-hash` for an expected head that is none.
 */
export async function verifyProcedure(folder: string, options: VerifyOptions = {}): Promise<Verification> {
  const description = await readFile(join(folder, DESCRIPTION_FILE)).catch(() => null);
  const hasJournal = await stat(join(folder, JOURNAL_FILE)).then(
    (found) => found.isFile(),
    () => false,
  );
  if (description === null && !hasJournal) {
    throw new ProcedureError('procedure-missing', `${folder}: is no procedure: it has neither ${DESCRIPTION_FILE} nor ${JOURNAL_FILE}`, {
      remedy: 'Name a folder that holds them, or list the kept ones: lumenmark procedures list.',
    });
  }
  const chain = hasJournal ? checkChain(description ?? Buffer.alloc(0), (await readJournalLines(folder)).lines) : withoutJournal();
  const id = description === null ? null : idOf(folder, description, chain);
  const files = hasJournal ? await checkFiles(folder, [...chain.entries, ...chain.unproven], options) : [];

  const seals = chain.entries
    .filter((entry): entry is Entry<'seal'> => entry.type === 'seal')
    .map(({ seq, at, previous, key }): SealSummary => ({ line: seq, at, headHash: previous, key }));
  const head = expectedHead(seals, options.expectedHead);
  const findings = [
    ...(description === null ? [withoutDescription()] : chain.finding === null ? [] : [chain.finding]),
    ...exchanged(folder, id),
    ...(head === 'unknown' ? [unknownHead(seals)] : []),
    ...keyFindings(seals, options.expectedKey),
    ...files.filter(({ path }) => path !== DESCRIPTION_FILE || (description !== null && chain.finding?.path !== DESCRIPTION_FILE)),
  ];
  const publicKey = seals.at(-1)?.key;
  return {
    folder,
    id,
    verdict: findings.some(({ severity }) => severity === 'altered') ? 'altered' : findings.length > 0 ? 'unfinished' : 'intact',
    findings,
    closing: chain.entries.find(isClosing)?.type ?? null,
    lines: chain.entries.length,
    files: closingFiles(chain.entries),
    seals,
    headHash: seals.at(-1)?.headHash ?? null,
    key: publicKey === undefined ? null : { publicKey, name: keyName(publicKey), owner: ownerOf(publicKey, options) },
    amendmentsSinceHead: typeof head === 'number' ? seals.length - 1 - head : null,
  };
}

/** A description that the journal vouches for and that cannot be read is of a newer version; one that it does not is simply altered. */
function idOf(folder: string, description: Uint8Array, { finding }: ChainCheck): string | null {
  try {
    return parseDescription(folder, description).id;
  } catch (error) {
    const vouchedFor = finding === null || finding.severity === 'unfinished';
    if (vouchedFor || (error instanceof ProcedureError && error.code === 'procedure-newer' && finding.path !== DESCRIPTION_FILE))
      throw error;
    return null;
  }
}

function withoutJournal(): ChainCheck {
  const message = `${JOURNAL_FILE} is missing`;
  return {
    entries: [],
    unproven: [],
    head: { seq: 0, previous: '' },
    finding: { kind: 'journal-missing', severity: 'altered', path: JOURNAL_FILE, line: null, message },
  };
}

function withoutDescription(): Finding {
  const message = `${DESCRIPTION_FILE} is missing`;
  return { kind: 'file-missing', severity: 'altered', path: DESCRIPTION_FILE, line: null, message };
}

/** A folder that bears the id of one procedure and holds another: intact in itself, and still not what it is taken for. */
function exchanged(folder: string, id: string | null): Finding[] {
  const name = basename(resolve(folder));
  if (id === null || !isProcedureId(name) || name === id) return [];
  const message = `The folder ${name} holds another procedure, ${id}: its content was exchanged, or it was copied under this name`;
  return [{ kind: 'folder-exchanged', severity: 'altered', path: DESCRIPTION_FILE, line: null, message }];
}

function closingFiles(entries: readonly Entry[]): number {
  return entries.reduce((files, entry) => ('files' in entry ? entry.files.length : files), 0);
}

const MIN_HEAD_DIGITS = 16;

/** Which seal has the head, `unknown`, or null when none is asked for. */
function expectedHead(seals: readonly SealSummary[], wanted: string | undefined): number | 'unknown' | null {
  if (wanted === undefined) return null;
  const digits = wanted.toLowerCase().replace(/[\s:-]/g, '');
  if (digits.length < MIN_HEAD_DIGITS || !/^[0-9a-f]+$/.test(digits)) {
    throw new UsageError('head-hash', `“${wanted}” is no head hash`, { remedy: `Give at least its first ${MIN_HEAD_DIGITS} digits.` });
  }
  const at = seals.findIndex(({ headHash }) => headHash.startsWith(digits));
  return at < 0 ? 'unknown' : at;
}

function unknownHead(seals: readonly SealSummary[]): Finding {
  const has = seals.length === 0 ? 'it has no seal' : `its last head is ${seals.at(-1)?.headHash ?? ''}`;
  return {
    kind: 'head-unknown',
    severity: 'altered',
    path: JOURNAL_FILE,
    line: null,
    message: `The head hash that was kept elsewhere is not in ${JOURNAL_FILE}: its end was cut away, or all of it was written anew (${has})`,
  };
}

function keyFindings(seals: readonly SealSummary[], expected: string | undefined): Finding[] {
  const other = seals.find(({ key }) => expected !== undefined && key !== expected);
  if (other === undefined) return [];
  const message = `Line ${other.line + 1} of ${JOURNAL_FILE} is a seal of the key ${keyName(other.key)}, not of the expected one`;
  return [{ kind: 'key-unexpected', severity: 'altered', path: JOURNAL_FILE, line: other.line, message }];
}

function ownerOf(key: string, { expectedKey, ownKey }: VerifyOptions): 'expected' | 'own' | 'unknown' {
  return key === expectedKey ? 'expected' : key === ownKey ? 'own' : 'unknown';
}
