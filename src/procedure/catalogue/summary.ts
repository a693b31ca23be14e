import type { CoverageState } from '../../tracking/coverage.js';

export type ProcedureKind = 'recorded' | 'imported' | 'photographs';

/** `open`: being written, or left behind by a process that died and not recovered yet. */
export type ProcedureState = 'open' | 'closed' | 'interrupted';

export interface SummarySite {
  readonly id: string;
  readonly name: string;
  readonly optional: boolean;
}

/** What the catalogue keeps of a procedure: all of it can be had again from the folder. */
export interface ProcedureSummary {
  readonly id: string;
  readonly kind: ProcedureKind;
  readonly state: ProcedureState;
  /** Free text that somebody gave, or null. */
  readonly label: string | null;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  readonly checklist: { readonly id: string; readonly name: string; readonly sites: readonly SummarySite[] };
  /** One for each site of the checklist, in its order. */
  readonly siteStates: readonly CoverageState[];
  /** Time from the first to the last frame, and the times that quality managers ask for; null where they do not apply or are not known. */
  readonly timers: { readonly totalMs: number | null; readonly inspectionMs: number | null; readonly withdrawalMs: number | null };
  readonly model: string;
  readonly gallery: string;
  /** For people; without credentials. */
  readonly source: string;
  /** The source shows no patient. */
  readonly simulated: boolean;
  /** Marked for audit: retention leaves it alone. */
  readonly held: boolean;
  /** Size of the folder. */
  readonly bytes: number;
}

/** Required sites that the gallery can recognise or that were set by hand, and how many of them are at least seen, and documented. */
export interface Completeness {
  readonly required: number;
  readonly seen: number;
  readonly documented: number;
}

/** The same count as `coverage()` gives, from states alone. */
export function completenessOf({ checklist, siteStates }: Pick<ProcedureSummary, 'checklist' | 'siteStates'>): Completeness {
  let [required, seen, documented] = [0, 0, 0];
  for (const [position, { optional }] of checklist.sites.entries()) {
    const state = siteStates[position] ?? 'unsupported';
    if (optional || state === 'unsupported') continue;
    required += 1;
    if (state !== 'unseen') seen += 1;
    if (state === 'documented') documented += 1;
  }
  return { required, seen, documented };
}
