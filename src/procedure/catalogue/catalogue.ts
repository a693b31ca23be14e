import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProcedureError } from '../../common/errors.js';
import { JOURNAL_FILE, isProcedureId, proceduresFolder } from '../paths.js';
import { memoryStore } from './memory-store.js';
import { parseFilter, PROCEDURE_FILTER_SCHEMA, PROCEDURE_QUERY_SCHEMA, type ProcedureFilter, type ProcedureQuery } from './query.js';
import { sqliteStore } from './sqlite-store.js';
import type { CatalogueStatistics } from './statistics.js';
import type { CatalogueStore, ProcedurePage, StoredFolder, UnreadableFolder } from './store.js';
import { summariseFolder } from './summarise.js';
import type { ProcedureSummary } from './summary.js';

export interface OpenCatalogueOptions {
  /** Folders that are read at the first look into a large archive; for progress bars. */
  readonly onProgress?: (done: number, total: number) => void;
  readonly signal?: AbortSignal;
  /** Forget everything and read every folder again. Default false. */
  readonly rebuild?: boolean;
}

/**
 * The procedures of a home, for lists and statistics. It holds nothing that the folders do not: it may be deleted at any time.
 * Answers come from what was read last; `refresh()` looks for what was added, changed or removed since.
 */
export interface Catalogue {
  /** Why there is no database and every start reads all folders; null where there is one. */
  readonly notice: string | null;
  /** @throws UsageError naming the field of the query. */
  list(query?: ProcedureQuery): ProcedurePage;
  get(id: string): ProcedureSummary | null;
  statistics(filter?: ProcedureFilter): CatalogueStatistics;
  checklists(): { readonly id: string; readonly name: string }[];
  /** Folders that stand among the procedures and cannot be read as one: foreign, damaged, or of a newer version. */
  unreadable(): UnreadableFolder[];
  refresh(options?: OpenCatalogueOptions): Promise<CatalogueChanges>;
  dispose(): void;
}

export interface CatalogueChanges {
  /** New or changed. */
  readonly read: number;
  readonly removed: number;
  readonly unreadable: number;
}

/** Written together: what was read so far survives when the first look is interrupted. */
const BATCH = 200;
/** Folders read at the same time. */
const READERS = 8;

export function catalogueFile(home: string): string {
  return join(home, 'catalogue.sqlite');
}

/** Opens the catalogue of a home, up to date. Only folders that are new or have changed are read. */
export async function openCatalogue(home: string, options: OpenCatalogueOptions = {}): Promise<Catalogue> {
  const opened = sqliteStore(catalogueFile(home));
  const store = 'reason' in opened ? memoryStore() : opened.store;
  const notice = 'reason' in opened ? `There is no catalogue (${opened.reason}): every procedure is read again at each start.` : null;
  try {
    if (options.rebuild === true) store.clear();
    await refresh(home, store, options);
  } catch (error) {
    store.dispose();
    throw error;
  }
  let refreshing: Promise<CatalogueChanges> | null = null;
  return {
    notice,
    list: (query = {}) => store.list(parseFilter(PROCEDURE_QUERY_SCHEMA, query)),
    get: (id) => store.get(id),
    statistics: (filter = {}) => store.statistics(parseFilter(PROCEDURE_FILTER_SCHEMA, filter)),
    checklists: () => store.checklists(),
    unreadable: () => store.unreadable(),
    refresh(again = {}) {
      // Whoever asks while one is under way is served by it.
      refreshing ??= refresh(home, store, again).finally(() => {
        refreshing = null;
      });
      return refreshing;
    },
    dispose: () => {
      store.dispose();
    },
  };
}

async function refresh(home: string, store: CatalogueStore, { onProgress, signal }: OpenCatalogueOptions): Promise<CatalogueChanges> {
  const parent = proceduresFolder(home);
  const known = store.stamps();
  const found = await foldersIn(parent);
  const gone = [...known.keys()].filter((folder) => !found.has(folder));
  if (gone.length > 0) store.remove(gone);
  const changed = [...found].filter(([folder, stamp]) => known.get(folder) !== stamp);
  let [read, unreadable] = [0, 0];
  for (let from = 0; from < changed.length; from += BATCH) {
    signal?.throwIfAborted();
    const entries: StoredFolder[] = [];
    const batch = changed.slice(from, from + BATCH);
    const next = batch.values();
    await Promise.all(
      Array.from({ length: READERS }, async () => {
        for (const [folder, stamp] of next) {
          const content = await contentOf(join(parent, folder), folder);
          if ('reason' in content) unreadable += 1;
          entries.push({ folder, stamp, content });
          read += 1;
          onProgress?.(read, changed.length);
        }
      }),
    );
    store.put(entries);
  }
  return { read, removed: gone.length, unreadable };
}

/** Folders with what tells that one has changed: every change of a procedure is a line of its journal. */
async function foldersIn(parent: string): Promise<Map<string, string>> {
  const entries = await readdir(parent, { withFileTypes: true }).catch((error: unknown) => {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw new ProcedureError('procedures-unreadable', `${parent} cannot be read: ${messageOf(error)}`, {
      remedy: 'Give the right to read it, or choose another place with LUMENMARK_HOME.',
      cause: error,
    });
  });
  const names = entries.filter((entry) => entry.isDirectory() && !entry.name.startsWith('.')).map(({ name }) => name);
  const stamps = await Promise.all(
    names.map(async (name): Promise<[string, string]> => {
      const journal = await stat(join(parent, name, JOURNAL_FILE)).catch(() => null);
      return [name, journal === null ? 'none' : `${journal.size}-${journal.mtimeMs}`];
    }),
  );
  return new Map(stamps.sort(([a], [b]) => (a < b ? -1 : 1)));
}

async function contentOf(folder: string, name: string): Promise<StoredFolder['content']> {
  if (!isProcedureId(name)) return { reason: 'its name is no procedure’s id' };
  try {
    const summary = await summariseFolder(folder);
    // A copy under another name would be the same procedure twice.
    return summary.id === name ? summary : { reason: `it holds the procedure ${summary.id}` };
  } catch (error) {
    // A folder may go while it is read; the next look does not find it.
    return { reason: messageOf(error) };
  }
}
