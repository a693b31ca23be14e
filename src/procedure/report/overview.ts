import { wilson } from '../../common/intervals.js';
import type { CoverageState } from '../../tracking/coverage.js';
import { RESEARCH_USE, type ProcedureReport } from './report.js';

/** One procedure of an overview. */
export interface OverviewProcedure {
  readonly id: string;
  /** For people: the folder that was audited. */
  readonly name: string;
  /** Address of its report, as seen from the overview; null when there is none. */
  readonly link: string | null;
  readonly photographs: number;
  readonly repeats: number;
  readonly unusable: number;
  readonly unreadable: number;
  readonly completeness: ProcedureReport['completeness'];
  /** By site of the checklist. */
  readonly states: Readonly<Record<string, CoverageState>>;
  /** Best assignment of each site that was documented or is to be checked: share of the vote. */
  readonly votes: Readonly<Record<string, number>>;
}

export interface OverviewSite {
  readonly id: string;
  readonly name: string;
  readonly optional: boolean;
  /** Procedures by the state of the site. */
  readonly documented: number;
  readonly toCheck: number;
  readonly missing: number;
  readonly unsupported: number;
  /** Of the procedures that could tell; NaN when none could. With its 95 % interval (Wilson). */
  readonly documentedShare: number;
  readonly interval: readonly [lower: number, upper: number];
}

/** What many audits say together. */
export interface Overview {
  readonly format: 'lumenmark-overview';
  readonly version: 1;
  readonly notice: string;
  readonly checklist: { readonly id: string; readonly name: string };
  readonly model: ProcedureReport['model'];
  readonly gallery: Pick<ProcedureReport['gallery'], 'name' | 'fingerprint' | 'calibration'>;
  readonly procedures: readonly OverviewProcedure[];
  readonly sites: readonly OverviewSite[];
  /** Procedures with every required site documented that the gallery can recognise. */
  readonly complete: number;
  /** Folders without any picture that could be read. */
  readonly failed: readonly { readonly name: string; readonly reason: string }[];
}

export interface OverviewPart {
  readonly report: ProcedureReport;
  readonly name: string;
  readonly link: string | null;
}

/** Adds up reports over one checklist, model and gallery. @throws RangeError of no report. */
export function overviewOf(parts: readonly OverviewPart[], failed: Overview['failed']): Overview {
  const first = parts[0]?.report;
  if (first === undefined) throw new RangeError('An overview needs at least one procedure.');
  const procedures = parts.map(procedureOf);
  const sites = first.sites.map(({ id, name, optional }): OverviewSite => {
    const having = (state: CoverageState): number => procedures.filter(({ states }) => states[id] === state).length;
    const [documented, toCheck, missing, unsupported] = [having('documented'), having('seen'), having('unseen'), having('unsupported')];
    const judged = documented + toCheck + missing;
    const documentedShare = judged === 0 ? NaN : documented / judged;
    return { id, name, optional, documented, toCheck, missing, unsupported, documentedShare, interval: wilson(documented, judged) };
  });
  return {
    format: 'lumenmark-overview',
    version: 1,
    notice: RESEARCH_USE,
    checklist: { id: first.checklist.id, name: first.checklist.name },
    model: first.model,
    gallery: galleryOf(first),
    procedures,
    sites,
    complete: procedures.filter(({ completeness: { required, documented } }) => required > 0 && documented === required).length,
    failed,
  };
}

function galleryOf({ gallery: { name, fingerprint, calibration } }: ProcedureReport): Overview['gallery'] {
  return { name, fingerprint, ...(calibration === undefined ? {} : { calibration }) };
}

function procedureOf({ report, name, link }: OverviewPart): OverviewProcedure {
  const { id, photographs, unreadable, completeness, sites } = report;
  const byPicture = new Map(photographs.map((photograph) => [photograph.picture, photograph.score]));
  return {
    id,
    name,
    link,
    photographs: photographs.length,
    repeats: photographs.filter(({ repeats }) => repeats !== null).length,
    unusable: photographs.filter(({ outcome, repeats }) => outcome === 'unusable' && repeats === null).length,
    unreadable: unreadable.length,
    completeness,
    states: Object.fromEntries(sites.map((site) => [site.id, site.state])),
    votes: Object.fromEntries(
      sites.flatMap((site) => {
        const vote = byPicture.get(site.still?.file ?? '');
        return vote === undefined ? [] : [[site.id, vote]];
      }),
    ),
  };
}
