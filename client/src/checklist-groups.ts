/** Consecutive sites that share what stands before the comma of their names, as the walls of one station do. */
export interface SiteGroup<T> {
  /** What they share; null for sites that stand alone. */
  readonly title: string | null;
  readonly members: readonly { readonly site: T; readonly name: string }[];
}

function split(name: string): { station: string; rest: string } | null {
  const at = name.lastIndexOf(', ');
  return at < 0 ? null : { station: name.slice(0, at), rest: name.slice(at + 2) };
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Groups of two or more get a title, and their members the rest of their names; the order stays. */
export function groupSites<T>(sites: readonly T[], nameOf: (site: T) => string): SiteGroup<T>[] {
  const runs: T[][] = [];
  for (const site of sites) {
    const last = runs.at(-1);
    const station = split(nameOf(site))?.station;
    const lastStation = last?.[0] === undefined ? undefined : split(nameOf(last[0]))?.station;
    if (last !== undefined && station !== undefined && station === lastStation) last.push(site);
    else runs.push([site]);
  }
  return runs.map((run) => {
    const title = run.length > 1 && run[0] !== undefined ? (split(nameOf(run[0]))?.station ?? null) : null;
    return {
      title,
      members: run.map((site) => ({ site, name: title === null ? nameOf(site) : capitalised(split(nameOf(site))?.rest ?? '') })),
    };
  });
}
