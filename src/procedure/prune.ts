import { messageOf } from '../common/errors.js';
import { openCatalogue } from './catalogue/catalogue.js';
import { deleteProcedure } from './delete.js';
import { planRetention, type Keepable, type RetentionPlan, type RetentionRules } from './retention.js';

export interface PruneOptions {
  /** Who set the rules, for the log. */
  readonly by: string;
  /** Only plans. Default false. */
  readonly dryRun?: boolean;
  readonly signal?: AbortSignal;
}

export interface Pruned extends RetentionPlan {
  /** Procedures that there were. */
  readonly total: number;
  readonly failed: readonly { readonly id: string; readonly error: string }[];
}

const PAGE = 1000;

/** Deletes what the rules say, one after the other; what cannot be deleted is told and stays. To be called with the home locked. */
export async function pruneProcedures(home: string, rules: RetentionRules, { by, dryRun = false, signal }: PruneOptions): Promise<Pruned> {
  const found = await keepables(home, signal);
  const plan = planRetention(found, rules, Date.now());
  const failed: { id: string; error: string }[] = [];
  if (!dryRun) {
    for (const { id, reason } of plan.remove) {
      signal?.throwIfAborted();
      // The folder has the last word, not the catalogue: a mark for audit may have come meanwhile.
      await deleteProcedure(home, id, { reason, by }).catch((error: unknown) => {
        failed.push({ id, error: messageOf(error) });
      });
    }
  }
  return { ...plan, total: found.length, failed };
}

async function keepables(home: string, signal: AbortSignal | undefined): Promise<Keepable[]> {
  const catalogue = await openCatalogue(home, signal === undefined ? {} : { signal });
  try {
    const found: Keepable[] = [];
    for (let total = 1; found.length < total;) {
      const page = catalogue.list({ order: 'oldest', limit: PAGE, offset: found.length });
      if (page.procedures.length === 0) break;
      total = page.total;
      found.push(...page.procedures.map(({ id, startedAt, state, held, bytes }) => ({ id, startedAt, state, held, bytes })));
    }
    return found;
  } finally {
    catalogue.dispose();
  }
}
