import { fits, inOrderOf, type ProcedureFilter } from './query.js';
import { lettersOf } from './site-letters.js';
import { statisticsOf } from './statistics.js';
import type { CatalogueStore, StoredFolder } from './store.js';
import type { ProcedureSummary } from './summary.js';

/** A catalogue for machines without SQLite: the same answers, forgotten at the end of the process. */
export function memoryStore(): CatalogueStore {
  const folders = new Map<string, StoredFolder>();
  const summaries = (): ProcedureSummary[] => [...folders.values()].flatMap(({ content }) => ('reason' in content ? [] : [content]));
  const chosen = (filter: ProcedureFilter): ProcedureSummary[] => summaries().filter((summary) => fits(summary, filter));
  return {
    kind: 'memory',
    list({ order, limit, offset, ...filter }) {
      const found = chosen(filter).sort(inOrderOf(order));
      return { total: found.length, procedures: found.slice(offset, offset + limit) };
    },
    get(id) {
      const content = folders.get(id)?.content;
      return content === undefined || 'reason' in content ? null : content;
    },
    statistics(filter) {
      const found = chosen(filter);
      // Equal checklists of different folders are added up as one.
      const checklists = new Map<string, ProcedureSummary['checklist']>();
      const sameOf = (checklist: ProcedureSummary['checklist']): ProcedureSummary['checklist'] => {
        const content = JSON.stringify(checklist);
        const known = checklists.get(content) ?? checklist;
        checklists.set(content, known);
        return known;
      };
      return statisticsOf(
        found.map(({ checklist, startedAt, siteStates }) => ({
          checklist: sameOf(checklist),
          month: startedAt.slice(0, 7),
          letters: lettersOf(siteStates),
          count: 1,
        })),
        found.map(({ timers }) => timers),
      );
    },
    checklists() {
      const names = new Map(summaries().map(({ checklist }) => [checklist.id, checklist.name]));
      return [...names].map(([id, name]) => ({ id, name })).sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    unreadable: () =>
      [...folders.values()].flatMap(({ folder, content }) => ('reason' in content ? [{ folder, reason: content.reason }] : [])),
    stamps: () => new Map([...folders.values()].map(({ folder, stamp }) => [folder, stamp])),
    put(entries) {
      for (const entry of entries) folders.set(entry.folder, entry);
    },
    remove(names) {
      for (const name of names) folders.delete(name);
    },
    clear() {
      folders.clear();
    },
    dispose: () => undefined,
  };
}
