import { chmodSync, closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import { messageOf } from '../../common/errors.js';
import { documentedShare, folded, inOrderOf, isDocumented, type ProcedureFilter, type ResolvedProcedureQuery } from './query.js';
import { lettersOf } from './site-letters.js';
import { openSqlite, type SqliteDatabase } from './sqlite.js';
import { statisticsOf, type StateGroup, type TimerRow } from './statistics.js';
import type { CatalogueStore, StoredFolder, UnreadableFolder } from './store.js';
import type { ProcedureSummary } from './summary.js';

/** Raise it with every change of the tables or of the summary: a catalogue of another version is made anew from the folders. */
const SCHEMA_VERSION = 1;
const LOCK_TIMEOUT_MS = 5000;

/** What is searched stands apart from what is shown, so that a scan of all procedures reads two megabytes and not fifty. */
const SCHEMA = `
CREATE TABLE folder (id TEXT PRIMARY KEY, stamp TEXT NOT NULL, reason TEXT) WITHOUT ROWID;
CREATE TABLE checklist (number INTEGER PRIMARY KEY, content TEXT NOT NULL UNIQUE);
CREATE TABLE procedure (
  id TEXT PRIMARY KEY, started_at TEXT NOT NULL, kind TEXT NOT NULL, state TEXT NOT NULL, text TEXT NOT NULL,
  checklist INTEGER NOT NULL, checklist_id TEXT NOT NULL, states TEXT NOT NULL, missed TEXT NOT NULL,
  documented INTEGER NOT NULL, documented_share REAL NOT NULL, total_ms REAL, inspection_ms REAL, withdrawal_ms REAL, held INTEGER NOT NULL
) WITHOUT ROWID;
CREATE INDEX procedure_started ON procedure (started_at, id);
CREATE TABLE summary (id TEXT PRIMARY KEY, content TEXT NOT NULL);
`;

const ORDERS: Readonly<Record<ResolvedProcedureQuery['order'], string>> = {
  newest: 'started_at DESC, id DESC',
  oldest: 'started_at, id',
  'least-complete': 'documented_share, started_at DESC, id DESC',
  longest: 'coalesce(total_ms, -1) DESC, started_at DESC, id DESC',
};

type Value = string | number | null;
type SummaryRow = [content: string, checklist: number];

/**
 * A catalogue in a file that other processes may use at the same time. One that is damaged or of another version is deleted and begun
 * anew, empty: it holds nothing that the folders do not.
 *
 * @returns the store, or why there is none: no SQLite on this machine, or a home that cannot be written to.
 */
export function sqliteStore(file: string): { readonly store: CatalogueStore } | { readonly reason: string } {
  let opened: ReturnType<typeof open>;
  try {
    mkdirSync(dirname(file), { recursive: true });
    opened = open(file);
    if (opened === 'unusable') {
      for (const suffix of ['', '-wal', '-shm']) rmSync(`${file}${suffix}`, { force: true });
      opened = open(file);
    }
  } catch (error) {
    return { reason: messageOf(error) };
  }
  if (opened === 'unusable') return { reason: `${file} cannot be used as a database` };
  return 'reason' in opened ? opened : { store: storeOn(opened.database) };
}

/** Labels may name patients: nobody but its owner reads the file, nor those that SQLite puts beside it with the same rights. */
function makePrivate(file: string): void {
  closeSync(openSync(file, 'a', 0o600));
  for (const suffix of ['', '-wal', '-shm']) {
    try {
      chmodSync(`${file}${suffix}`, 0o600);
    } catch {
      // Not there, or on a file system that keeps no rights.
    }
  }
}

function open(file: string): ReturnType<typeof openSqlite> | 'unusable' {
  let opened: ReturnType<typeof openSqlite>;
  try {
    makePrivate(file);
    opened = openSqlite(file, LOCK_TIMEOUT_MS);
  } catch {
    return 'unusable';
  }
  if ('reason' in opened) return opened;
  const { database } = opened;
  try {
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    // Two processes may find it empty at the same time.
    database.exec('BEGIN IMMEDIATE');
    const version = database.pragma('user_version', { simple: true });
    const isNew = version === 0 && database.prepare('SELECT count(*) FROM sqlite_master').pluck(true).get() === 0;
    if (isNew) database.exec(`${SCHEMA} PRAGMA user_version = ${SCHEMA_VERSION};`);
    database.exec('COMMIT');
    if (isNew || (version === SCHEMA_VERSION && isSound(database))) return opened;
  } catch {
    // Not a database, or not ours.
  }
  database.close();
  return 'unusable';
}

function isSound(database: SqliteDatabase): boolean {
  return database.pragma('quick_check(1)', { simple: true }) === 'ok';
}

function storeOn(database: SqliteDatabase): CatalogueStore {
  const insertFolder = database.prepare('INSERT OR REPLACE INTO folder VALUES (?, ?, ?)');
  const insertChecklist = database.prepare('INSERT OR IGNORE INTO checklist (content) VALUES (?)');
  const selectChecklist = database.prepare('SELECT number FROM checklist WHERE content = ?').pluck(true);
  const insertProcedure = database.prepare(`INSERT INTO procedure VALUES (${Array(15).fill('?').join(', ')})`);
  const insertSummary = database.prepare('INSERT INTO summary VALUES (?, ?)');
  const deletes = ['folder', 'procedure', 'summary'].map((table) => database.prepare(`DELETE FROM ${table} WHERE id = ?`));
  const checklists = new Map<number, ProcedureSummary['checklist']>();

  const checklistOf = (number: number): ProcedureSummary['checklist'] => {
    let found = checklists.get(number);
    if (found === undefined) {
      const content = database.prepare('SELECT content FROM checklist WHERE number = ?').pluck(true).get(number);
      found = JSON.parse(content as string) as ProcedureSummary['checklist'];
      checklists.set(number, found);
    }
    return found;
  };

  const summaryOf = ([content, checklist]: SummaryRow): ProcedureSummary => {
    const rest = JSON.parse(content) as Omit<ProcedureSummary, 'checklist'>;
    return { ...rest, checklist: checklistOf(checklist) };
  };

  const remove = (folder: string): void => {
    for (const statement of deletes) statement.run(folder);
  };

  const insert = ({ folder, stamp, content }: StoredFolder): void => {
    remove(folder);
    insertFolder.run(folder, stamp, 'reason' in content ? content.reason : null);
    if ('reason' in content) return;
    const { checklist, ...rest } = content;
    const { siteStates, timers } = content;
    const list = JSON.stringify(checklist);
    insertChecklist.run(list);
    const missed = checklist.sites.filter((_, position) => siteStates[position] === 'unseen').map(({ id }) => id);
    insertSummary.run(folder, JSON.stringify(rest));
    insertProcedure.run(
      folder,
      content.startedAt,
      content.kind,
      content.state,
      folded(`${content.label ?? ''}\n${content.id}`),
      selectChecklist.get(list) as number,
      checklist.id,
      lettersOf(siteStates),
      `\n${missed.join('\n')}\n`,
      Number(isDocumented(content)),
      documentedShare(content),
      timers.totalMs,
      timers.inspectionMs,
      timers.withdrawalMs,
      Number(content.held),
    );
  };

  return {
    kind: 'sqlite',
    list({ order, limit, offset, ...filter }) {
      const { where, values } = condition(filter);
      const total = database
        .prepare(`SELECT count(*) FROM procedure ${where}`)
        .pluck(true)
        .get(...values) as number;
      const rows = database
        .prepare(
          `SELECT content, checklist FROM (SELECT id, checklist FROM procedure ${where} ORDER BY ${ORDERS[order]} LIMIT ? OFFSET ?) JOIN summary USING (id)`,
        )
        .raw(true)
        .all(...values, limit, offset) as SummaryRow[];
      return { total, procedures: rows.map(summaryOf).sort(inOrderOf(order)) };
    },
    get(id) {
      const row = database.prepare('SELECT content, checklist FROM procedure JOIN summary USING (id) WHERE id = ?').raw(true).get(id);
      return row === undefined ? null : summaryOf(row as SummaryRow);
    },
    statistics(filter) {
      const { where, values } = condition(filter);
      const groups = database
        .prepare(`SELECT checklist, substr(started_at, 1, 7), states, count(*) FROM procedure ${where} GROUP BY 1, 2, 3`)
        .raw(true)
        .all(...values) as [number, string, string, number][];
      const timers = database
        .prepare(`SELECT total_ms, inspection_ms, withdrawal_ms FROM procedure ${where}`)
        .raw(true)
        .all(...values) as [number | null, number | null, number | null][];
      return statisticsOf(
        groups.map(([checklist, month, letters, count]): StateGroup => ({ checklist: checklistOf(checklist), month, letters, count })),
        timers.map(([totalMs, inspectionMs, withdrawalMs]): TimerRow => ({ totalMs, inspectionMs, withdrawalMs })),
      );
    },
    checklists() {
      const numbers = database.prepare('SELECT DISTINCT checklist FROM procedure').pluck(true).all() as number[];
      const names = new Map(numbers.map((number) => [checklistOf(number).id, checklistOf(number).name]));
      return [...names].map(([id, name]) => ({ id, name })).sort((a, b) => (a.id < b.id ? -1 : 1));
    },
    unreadable: () =>
      database.prepare('SELECT id AS folder, reason FROM folder WHERE reason IS NOT NULL ORDER BY id').all() as UnreadableFolder[],
    stamps: () => new Map(database.prepare('SELECT id, stamp FROM folder').raw(true).all() as [string, string][]),
    put(entries) {
      database.transaction(() => {
        for (const entry of entries) insert(entry);
      })();
    },
    remove(folders) {
      database.transaction(() => {
        for (const folder of folders) remove(folder);
      })();
    },
    clear() {
      database.exec('DELETE FROM folder; DELETE FROM procedure; DELETE FROM summary;');
    },
    dispose() {
      database.close();
    },
  };
}

/** The filter in SQL; must mean what `fits()` means. */
function condition(filter: ProcedureFilter): { where: string; values: Value[] } {
  const parts: string[] = [];
  const values: Value[] = [];
  const add = (sql: string, ...given: Value[]): void => {
    parts.push(sql);
    values.push(...given);
  };
  const { text, from, to, checklistId, kind, state, documented, missedSiteId, held } = filter;
  if (text !== undefined) add('instr(text, ?) > 0', folded(text));
  if (from !== undefined) add('started_at >= ?', from);
  // Any time of that day sorts before the letter that follows the digits, hyphens and the T of a date.
  if (to !== undefined) add('started_at < ?', `${to}U`);
  if (checklistId !== undefined) add('checklist_id = ?', checklistId);
  if (kind !== undefined) add('kind = ?', kind);
  if (state !== undefined) add('state = ?', state);
  if (documented !== undefined) add('documented = ?', Number(documented));
  if (missedSiteId !== undefined) add('instr(missed, ?) > 0', `\n${missedSiteId}\n`);
  if (held !== undefined) add('held = ?', Number(held));
  return { where: parts.length === 0 ? '' : `WHERE ${parts.join(' AND ')}`, values };
}
