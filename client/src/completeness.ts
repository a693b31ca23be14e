import type { SiteState } from '../../src/server/protocol.js';

export interface Completeness {
  /** Required sites that the gallery can recognise, or that were set by hand. */
  readonly required: number;
  /** Those of them that are documented. */
  readonly documented: number;
  /** Required sites that the gallery has no exemplar of: nobody can miss them. */
  readonly unsupported: number;
}

/** Counts as lists, reports and the catalogue do. */
export function completenessOf(sites: readonly { readonly optional: boolean; readonly state: SiteState }[]): Completeness {
  const having = (wanted: SiteState): number => sites.filter(({ optional, state }) => !optional && state === wanted).length;
  const unsupported = having('unsupported');
  return { required: sites.filter(({ optional }) => !optional).length - unsupported, documented: having('documented'), unsupported };
}
