import type { ProcedureFilter, ResolvedProcedureQuery } from './query.js';
import type { CatalogueStatistics } from './statistics.js';
import type { ProcedureSummary } from './summary.js';

export interface ProcedurePage {
  /** Procedures that fit the filter, all pages. */
  readonly total: number;
  readonly procedures: readonly ProcedureSummary[];
}

/** A folder that stands among the procedures and cannot be read as one. */
export interface UnreadableFolder {
  readonly folder: string;
  readonly reason: string;
}

/** What a folder was when it was read last; another stamp means that it must be read again. */
export type FolderStamps = ReadonlyMap<string, string>;

/** Where the summaries of procedures are kept for fast answers. Knows nothing of folders. */
export interface CatalogueStore {
  readonly kind: 'sqlite' | 'memory';
  list(query: ResolvedProcedureQuery): ProcedurePage;
  get(id: string): ProcedureSummary | null;
  statistics(filter: ProcedureFilter): CatalogueStatistics;
  /** Checklists that occur, for filters. */
  checklists(): { readonly id: string; readonly name: string }[];
  unreadable(): UnreadableFolder[];
  stamps(): FolderStamps;
  /** Adds or replaces entries, all or none. */
  put(entries: readonly StoredFolder[]): void;
  remove(folders: readonly string[]): void;
  clear(): void;
  dispose(): void;
}

export interface StoredFolder {
  /** Name of the folder, which is the id of the procedure in it. */
  readonly folder: string;
  readonly stamp: string;
  /** The summary, or why there is none. */
  readonly content: ProcedureSummary | { readonly reason: string };
}
