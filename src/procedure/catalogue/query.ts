import * as z from 'zod';
import { UsageError } from '../../common/errors.js';
import { completenessOf, type ProcedureSummary } from './summary.js';

/** In UTC, as procedures are named. */
const day = z.iso.date('must be a date such as 2026-11-27');

/** Which procedures are meant; what is left out does not restrict. */
export const PROCEDURE_FILTER_SCHEMA = z.strictObject({
  /** Part of the label or of the id; case and accents do not matter. */
  text: z.string().max(200).optional(),
  /** First and last day of the start, UTC. */
  from: day.optional(),
  to: day.optional(),
  checklistId: z.string().max(200).optional(),
  kind: z.enum(['recorded', 'imported', 'photographs']).optional(),
  state: z.enum(['open', 'closed', 'interrupted']).optional(),
  /** True: every required site that the gallery supports is documented; false: some are not. */
  documented: z.boolean().optional(),
  /** Only those in which this site of the checklist was left unseen. */
  missedSiteId: z.string().max(200).optional(),
  /** Marked for audit, or not. */
  held: z.boolean().optional(),
});

export type ProcedureFilter = z.output<typeof PROCEDURE_FILTER_SCHEMA>;

export const PROCEDURE_QUERY_SCHEMA = PROCEDURE_FILTER_SCHEMA.extend({
  order: z.enum(['newest', 'oldest', 'least-complete', 'longest']).default('newest'),
  limit: z.number().int().min(1).max(1000).default(50),
  offset: z.number().int().min(0).default(0),
});

export type ProcedureQuery = z.input<typeof PROCEDURE_QUERY_SCHEMA>;
export type ResolvedProcedureQuery = z.output<typeof PROCEDURE_QUERY_SCHEMA>;

/** @throws UsageError naming the field. */
export function parseFilter<T>(schema: z.ZodType<T>, value: unknown): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UsageError('procedure-query', `${issue?.path.join('.') ?? 'the query'}: ${issue?.message ?? 'is not valid'}`, {
    remedy: 'Dates are written 2026-11-27; leave out what should not restrict the list.',
    cause: parsed.error,
  });
}

/** Text as it is compared: without case and accents. */
export function folded(text: string): string {
  return text.normalize('NFKD').replace(/\p{M}/gu, '').toLowerCase();
}

/** Whether a procedure is meant. The database answers the same question in SQL. */
export function fits(summary: ProcedureSummary, filter: ProcedureFilter): boolean {
  const { text, from, to, checklistId, kind, state, documented, missedSiteId, held } = filter;
  const startDay = summary.startedAt.slice(0, 10);
  if (text !== undefined && !folded(`${summary.label ?? ''}\n${summary.id}`).includes(folded(text))) return false;
  if (from !== undefined && startDay < from) return false;
  if (to !== undefined && startDay > to) return false;
  if (checklistId !== undefined && summary.checklist.id !== checklistId) return false;
  if (kind !== undefined && summary.kind !== kind) return false;
  if (state !== undefined && summary.state !== state) return false;
  if (held !== undefined && summary.held !== held) return false;
  if (documented !== undefined && isDocumented(summary) !== documented) return false;
  if (missedSiteId === undefined) return true;
  return summary.siteStates[summary.checklist.sites.findIndex(({ id }) => id === missedSiteId)] === 'unseen';
}

export function isDocumented(summary: Pick<ProcedureSummary, 'checklist' | 'siteStates'>): boolean {
  const { required, documented } = completenessOf(summary);
  return required > 0 && documented === required;
}

/** The order of a list; ids break ties, so that pages never overlap. */
export function inOrderOf(order: ResolvedProcedureQuery['order']): (a: ProcedureSummary, b: ProcedureSummary) => number {
  const newest = (a: ProcedureSummary, b: ProcedureSummary): number => compare(b.startedAt, a.startedAt) || compare(b.id, a.id);
  switch (order) {
    case 'newest':
      return newest;
    case 'oldest':
      return (a, b) => newest(b, a);
    case 'least-complete':
      return (a, b) => documentedShare(a) - documentedShare(b) || newest(a, b);
    case 'longest':
      return (a, b) => (b.timers.totalMs ?? -1) - (a.timers.totalMs ?? -1) || newest(a, b);
  }
}

/** Share of the required sites that are documented; 0 where none is required, as nothing was proven. */
export function documentedShare(summary: Pick<ProcedureSummary, 'checklist' | 'siteStates'>): number {
  const { required, documented } = completenessOf(summary);
  return required === 0 ? 0 : documented / required;
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
