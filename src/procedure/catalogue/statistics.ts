import type { ProcedureSummary } from './summary.js';

/** Procedures of one checklist and month whose sites ended in the same states: what statistics are added up from. */
export interface StateGroup {
  /** The same object for the same checklist makes adding up fast. */
  readonly checklist: ProcedureSummary['checklist'];
  /** `2026-11` */
  readonly month: string;
  /** See `lettersOf()`. */
  readonly letters: string;
  readonly count: number;
}

export interface TimerRow {
  readonly totalMs: number | null;
  readonly inspectionMs: number | null;
  readonly withdrawalMs: number | null;
}

/** In how many procedures a site was in which state. */
export interface SiteCounts {
  /** Procedures in which the gallery could recognise it, or it was set by hand. */
  readonly supported: number;
  readonly documented: number;
  /** Seen, but no adequate still was kept. */
  readonly seen: number;
  readonly unseen: number;
}

export interface SiteStatistics extends SiteCounts {
  readonly siteId: string;
  readonly name: string;
  readonly optional: boolean;
  /** By month, those without a procedure left out. */
  readonly months: Readonly<Record<string, SiteCounts>>;
}

export interface ChecklistStatistics {
  readonly checklistId: string;
  readonly name: string;
  readonly procedures: number;
  /** Procedures in which every required and supported site is documented … */
  readonly complete: number;
  /** … and the share of required and supported sites that are documented, 0…1; null without any. */
  readonly documentedShare: number | null;
  readonly months: readonly {
    readonly month: string;
    readonly procedures: number;
    readonly complete: number;
    readonly documentedShare: number | null;
  }[];
  /** In the checklist's order. */
  readonly sites: readonly SiteStatistics[];
  /** Required sites that were left unseen at least once, those most often left first, by share of the procedures that could have shown them. */
  readonly blindSpots: readonly { readonly siteId: string; readonly name: string; readonly unseen: number; readonly supported: number }[];
}

/** Of a time, ms; quartiles by linear interpolation. Null without any. */
export interface TimeStatistics {
  readonly n: number;
  readonly p25Ms: number;
  readonly medianMs: number;
  readonly p75Ms: number;
}

export interface CatalogueStatistics {
  readonly procedures: number;
  readonly checklists: readonly ChecklistStatistics[];
  readonly timers: {
    readonly total: TimeStatistics | null;
    readonly inspection: TimeStatistics | null;
    readonly withdrawal: TimeStatistics | null;
  };
}

/** Adds up groups. Checklists that kept their id while their sites changed are added site by site. */
export function statisticsOf(groups: Iterable<StateGroup>, timers: Iterable<TimerRow>): CatalogueStatistics {
  const cells = new Map<ProcedureSummary['checklist'], Map<string, MonthCell>>();
  let procedures = 0;
  for (const { checklist, month, letters, count } of groups) {
    procedures += count;
    let months = cells.get(checklist);
    if (months === undefined) {
      months = new Map<string, MonthCell>();
      cells.set(checklist, months);
    }
    let cell = months.get(month);
    if (cell === undefined) {
      cell = new MonthCell(checklist);
      months.set(month, cell);
    }
    cell.add(letters, count);
  }
  const lists = grouped(cells, ([{ id }]) => id);
  const times = { total: [] as number[], inspection: [] as number[], withdrawal: [] as number[] };
  for (const { totalMs, inspectionMs, withdrawalMs } of timers) {
    if (totalMs !== null) times.total.push(totalMs);
    if (inspectionMs !== null) times.inspection.push(inspectionMs);
    if (withdrawalMs !== null) times.withdrawal.push(withdrawalMs);
  }
  return {
    procedures,
    checklists: [...lists.values()]
      .map(checklistStatistics)
      .sort((a, b) => b.procedures - a.procedures || (a.checklistId < b.checklistId ? -1 : 1)),
    timers: { total: timesOf(times.total), inspection: timesOf(times.inspection), withdrawal: timesOf(times.withdrawal) },
  };
}

const STATES = ['unseen', 'seen', 'documented'] as const;
const LETTERS = 'usd';

/** The procedures of one checklist in one month. Plain numbers: with ten thousand procedures this is where the time goes. */
class MonthCell {
  procedures = 0;
  complete = 0;
  required = 0;
  documented = 0;
  /** `[sites, 3]`, by `STATES`. */
  readonly counts: Int32Array;
  readonly #required: readonly boolean[];

  constructor({ sites }: ProcedureSummary['checklist']) {
    this.counts = new Int32Array(sites.length * STATES.length);
    this.#required = sites.map(({ optional }) => !optional);
  }

  add(letters: string, count: number): void {
    let [required, documented] = [0, 0];
    for (let site = 0; site < this.#required.length; site++) {
      const state = LETTERS.indexOf(letters.charAt(site) || '-');
      if (state < 0) continue;
      const at = site * STATES.length + state;
      this.counts[at] = (this.counts[at] ?? 0) + count;
      if (this.#required[site] !== true) continue;
      required += 1;
      if (state === 2) documented += 1;
    }
    this.procedures += count;
    this.complete += required > 0 && documented === required ? count : 0;
    this.required += required * count;
    this.documented += documented * count;
  }
}

type ChecklistCells = [checklist: ProcedureSummary['checklist'], months: ReadonlyMap<string, MonthCell>];

function checklistStatistics(lists: ChecklistCells[]): ChecklistStatistics {
  const { id, name } = lists[0]?.[0] ?? { id: '', name: '' };
  const all = lists.flatMap(([, months]) => [...months]);
  const months = [...grouped(all, ([month]) => month)]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([month, cells]) => ({ month, ...totalOf(cells.map(([, cell]) => cell)) }));
  const siteIds = new Set(lists.flatMap(([{ sites }]) => sites.map((site) => site.id)));
  const sites = [...siteIds].map((siteId) => siteStatistics(siteId, lists));
  return {
    checklistId: id,
    name,
    ...totalOf(all.map(([, cell]) => cell)),
    months,
    sites,
    blindSpots: sites
      .filter(({ optional, unseen }) => !optional && unseen > 0)
      .map(({ siteId, name: siteName, unseen, supported }) => ({ siteId, name: siteName, unseen, supported }))
      .sort((a, b) => b.unseen / b.supported - a.unseen / a.supported || b.unseen - a.unseen),
  };
}

function totalOf(cells: readonly MonthCell[]): Pick<ChecklistStatistics, 'procedures' | 'complete' | 'documentedShare'> {
  const sum = (of: (cell: MonthCell) => number): number => cells.reduce((total, cell) => total + of(cell), 0);
  const required = sum((cell) => cell.required);
  return {
    procedures: sum((cell) => cell.procedures),
    complete: sum((cell) => cell.complete),
    documentedShare: required === 0 ? null : sum((cell) => cell.documented) / required,
  };
}

function siteStatistics(siteId: string, lists: readonly ChecklistCells[]): SiteStatistics {
  const months = new Map<string, SiteCounts>();
  let all = NO_COUNTS;
  let [name, optional] = [siteId, false];
  for (const [checklist, cells] of lists) {
    const position = checklist.sites.findIndex(({ id }) => id === siteId);
    const site = checklist.sites[position];
    if (site === undefined) continue;
    ({ name, optional } = site);
    for (const [month, { counts }] of cells) {
      const [unseen = 0, seen = 0, documented = 0] = counts.subarray(position * STATES.length, (position + 1) * STATES.length);
      const here = { supported: unseen + seen + documented, documented, seen, unseen };
      if (here.supported === 0) continue;
      all = added(all, here);
      months.set(month, added(months.get(month) ?? NO_COUNTS, here));
    }
  }
  return { siteId, name, optional, ...all, months: Object.fromEntries([...months].sort(([a], [b]) => (a < b ? -1 : 1))) };
}

const NO_COUNTS: SiteCounts = { supported: 0, documented: 0, seen: 0, unseen: 0 };

function added(a: SiteCounts, b: SiteCounts): SiteCounts {
  return {
    supported: a.supported + b.supported,
    documented: a.documented + b.documented,
    seen: a.seen + b.seen,
    unseen: a.unseen + b.unseen,
  };
}

function grouped<T>(items: Iterable<T>, keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const key = keyOf(item);
    const group = groups.get(key);
    if (group === undefined) groups.set(key, [item]);
    else group.push(item);
  }
  return groups;
}

function timesOf(values: number[]): TimeStatistics | null {
  if (values.length === 0) return null;
  const sorted = Float64Array.from(values).sort();
  const quartile = (share: number): number => {
    const at = share * (sorted.length - 1);
    const below = sorted[Math.floor(at)] ?? 0;
    return below + (at - Math.floor(at)) * ((sorted[Math.ceil(at)] ?? below) - below);
  };
  return { n: sorted.length, p25Ms: quartile(0.25), medianMs: quartile(0.5), p75Ms: quartile(0.75) };
}
