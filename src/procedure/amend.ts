import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { ProcedureError } from '../common/errors.js';
import { checkChain } from './check-chain.js';
import { isClosing, type AmendmentType, type Entry, type NewEntry } from './entries.js';
import { Journal } from './journal.js';
import { readJournalLines } from './journal-lines.js';
import type { InstallationKey } from './key.js';
import { DESCRIPTION_FILE, JOURNAL_FILE } from './paths.js';

/** What an auditor may say of a closed procedure. */
export type Amendment = NewEntry<AmendmentType>;

export interface Amended {
  readonly entry: Entry;
  /** The new one: whoever keeps head hashes elsewhere keeps this one too. */
  readonly headHash: string;
}

/** Appends to closed procedures. One for a home: amendments of one procedure wait for each other. */
export interface Amender {
  /**
   * Appends a line and a new seal, in one write. Nothing that was said before is changed.
   * @throws ProcedureError `amend-open`, `amend-altered`, `amend-key`, `journal-write`.
   */
  amend(folder: string, amendment: Amendment): Promise<Amended>;
}

export function createAmender(key: InstallationKey): Amender {
  const last = new Map<string, Promise<unknown>>();
  return {
    amend(folder, amendment) {
      const before = last.get(folder) ?? Promise.resolve();
      const amended = before.then(() => amend(folder, amendment, key));
      const settled = amended.catch(() => undefined);
      last.set(folder, settled);
      void settled.then(() => {
        if (last.get(folder) === settled) last.delete(folder);
      });
      return amended;
    },
  };
}

async function amend(folder: string, amendment: Amendment, key: InstallationKey): Promise<Amended> {
  const description = await readFile(join(folder, DESCRIPTION_FILE)).catch((cause: unknown) => {
    throw altered(folder, `${DESCRIPTION_FILE} is missing`, cause);
  });
  const { lines, bytes } = await readJournalLines(folder);
  const { entries, finding, head } = checkChain(description, lines);
  const seal = entries.findLast((entry) => entry.type === 'seal');
  if (finding?.severity === 'altered') {
    throw altered(folder, finding.message);
  }
  if (finding !== null || seal === undefined || !entries.some(isClosing)) {
    throw new ProcedureError('amend-open', `${folder}: is not closed and sealed`, {
      remedy: 'Close it, or start Lumenmark once: it closes what a crash left open.',
    });
  }
  if (seal.key !== key.publicKey) {
    throw new ProcedureError('amend-key', `${folder}: was sealed by another installation, and only that one can amend it`, {
      remedy: 'Amend it there and export it again.',
    });
  }
  const journal = await Journal.open({ file: join(folder, JOURNAL_FILE), head, position: bytes, resumedAfter: seal.at });
  try {
    const { entry, seal: newSeal } = await journal.seal(key, amendment);
    return { entry, headHash: newSeal.previous };
  } finally {
    await journal.close();
  }
}

function altered(folder: string, why: string, cause?: unknown): ProcedureError {
  return new ProcedureError('amend-altered', `${folder}: is not amended, because it was altered: ${why}`, {
    remedy: 'See what else does not hold: lumenmark procedures verify.',
    cause,
  });
}
