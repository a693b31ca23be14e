import { statSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { memoryStore } from '../../../src/procedure/catalogue/memory-store.js';
import { PROCEDURE_QUERY_SCHEMA, parseFilter, type ProcedureFilter, type ProcedureQuery } from '../../../src/procedure/catalogue/query.js';
import { sqliteStore } from '../../../src/procedure/catalogue/sqlite-store.js';
import type { CatalogueStore } from '../../../src/procedure/catalogue/store.js';
import type { ProcedureSummary } from '../../../src/procedure/catalogue/summary.js';
import { temporaryFolder } from '../../support/temporary.js';
import { randomSummaries } from './summaries.js';

const folder = temporaryFolder();
const require = createRequire(import.meta.url);
const SUMMARIES = randomSummaries(400);

const FILTERS: readonly ProcedureFilter[] = [
  {},
  { text: 'muller' },
  { text: 'TRAIN' },
  { text: '%' },
  { text: '2025-0' },
  { from: '2025-01-01', to: '2025-06-30' },
  { to: '2024-01-03' },
  { checklistId: 'esge-2016', documented: true },
  { checklistId: 'colonoscopy', documented: false, kind: 'recorded' },
  { state: 'interrupted' },
  { held: true },
  { missedSiteId: 'antrum' },
  { checklistId: "x' OR 1 = 1 --" },
];

function open(file: string): CatalogueStore {
  const opened = sqliteStore(file);
  if ('reason' in opened) throw new Error(opened.reason);
  return opened.store;
}

function filled(store: CatalogueStore, summaries: readonly ProcedureSummary[] = SUMMARIES): CatalogueStore {
  store.put(summaries.map((content) => ({ folder: content.id, stamp: '1', content })));
  return store;
}

const resolved = (query: ProcedureQuery) => parseFilter(PROCEDURE_QUERY_SCHEMA, query);

describe('stores of the catalogue', () => {
  it('answer every list and statistic alike, by SQL and by plain loops', () => {
    const [sqlite, memory] = [filled(open(join(folder, 'alike.sqlite'))), filled(memoryStore())];
    let listed = 0;
    for (const filter of FILTERS) {
      for (const order of ['newest', 'oldest', 'least-complete', 'longest'] as const) {
        const query = resolved({ ...filter, order, limit: 30, offset: 7 });
        const page = sqlite.list(query);
        expect(page).toEqual(memory.list(query));
        listed += page.procedures.length;
      }
      expect(sqlite.statistics(filter)).toEqual(memory.statistics(filter));
    }
    expect(listed).toBeGreaterThan(500);
    expect(sqlite.checklists()).toEqual(memory.checklists());
    sqlite.dispose();
  });

  it('count sites, months and times as a person would', () => {
    const site = (id: string, optional = false) => ({ id, name: id, optional });
    const checklist = { id: 'c', name: 'C', sites: [site('a'), site('b'), site('o', true)] };
    const base = SUMMARIES[0]!;
    const of = (id: string, startedAt: string, siteStates: ProcedureSummary['siteStates'], totalMs: number | null): ProcedureSummary => ({
      ...base,
      ...{ id, startedAt, checklist, siteStates },
      timers: { totalMs, inspectionMs: null, withdrawalMs: null },
    });
    const store = filled(memoryStore(), [
      of('1', '2026-01-05T08:00:00.000Z', ['documented', 'documented', 'unseen'], 100),
      of('2', '2026-01-06T08:00:00.000Z', ['documented', 'unseen', 'unsupported'], 200),
      of('3', '2026-02-01T08:00:00.000Z', ['seen', 'unsupported', 'documented'], 400),
      of('4', '2026-02-02T08:00:00.000Z', ['unsupported', 'unsupported', 'documented'], null),
    ]);
    const { procedures, checklists, timers } = store.statistics({});
    expect(procedures).toBe(4);
    expect(checklists[0]).toMatchObject({
      procedures: 4,
      complete: 1,
      documentedShare: 3 / 5,
      months: [
        { month: '2026-01', procedures: 2, complete: 1, documentedShare: 3 / 4 },
        { month: '2026-02', procedures: 2, complete: 0, documentedShare: 0 },
      ],
      blindSpots: [{ siteId: 'b', unseen: 1, supported: 2 }],
    });
    expect(checklists[0]!.sites[1]).toMatchObject({
      siteId: 'b',
      ...{ supported: 2, documented: 1, seen: 0, unseen: 1 },
      months: { '2026-01': { supported: 2, documented: 1, seen: 0, unseen: 1 } },
    });
    expect(timers).toEqual({ total: { n: 3, p25Ms: 150, medianMs: 200, p75Ms: 300 }, inspection: null, withdrawal: null });
    expect(store.list(resolved({ documented: true })).procedures.map(({ id }) => id)).toEqual(['1']);
    expect(store.list(resolved({ order: 'least-complete' })).procedures.map(({ id }) => id)).toEqual(['4', '3', '2', '1']);
  });

  it('replace, remove and remember what could not be read', () => {
    const store = filled(open(join(folder, 'changing.sqlite')), SUMMARIES.slice(0, 3));
    const [first] = SUMMARIES;
    store.put([
      { folder: first!.id, stamp: '2', content: { ...first!, label: 'corrected' } },
      { folder: 'foreign', stamp: '9', content: { reason: 'no procedure' } },
    ]);
    expect(store.get(first!.id)?.label).toBe('corrected');
    expect(store.get('foreign')).toBeNull();
    expect(store.unreadable()).toEqual([{ folder: 'foreign', reason: 'no procedure' }]);
    expect(store.stamps().get(first!.id)).toBe('2');
    expect(store.list(resolved({})).total).toBe(3);
    store.remove([first!.id, 'foreign']);
    expect(store.list(resolved({})).total).toBe(2);
    expect(store.unreadable()).toEqual([]);
    store.clear();
    expect(store.list(resolved({})).total).toBe(0);
    store.dispose();
  });

  it('are shared by two connections, and kept when closed', () => {
    const file = join(folder, 'shared.sqlite');
    const [one, two] = [open(file), open(file)];
    filled(one, SUMMARIES.slice(0, 5));
    expect(two.list(resolved({})).total).toBe(5);
    two.remove([SUMMARIES[0]!.id]);
    expect(one.list(resolved({})).total).toBe(4);
    one.dispose();
    two.dispose();
    const again = open(file);
    expect(again.list(resolved({})).total).toBe(4);
    again.dispose();
  });

  it('begin anew when the file is of another version, foreign or no database', () => {
    const Database = require('better-sqlite3') as new (file: string) => { exec(sql: string): void; close(): void };
    const versioned = join(folder, 'newer.sqlite');
    filled(open(versioned)).dispose();
    const newer = new Database(versioned);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    const foreign = join(folder, 'foreign.sqlite');
    const other = new Database(foreign);
    other.exec('CREATE TABLE folder (x)');
    other.close();
    const garbage = join(folder, 'garbage.sqlite');
    writeFileSync(garbage, 'this is no database, whatever its name says. '.repeat(200));
    for (const file of [versioned, foreign, garbage]) {
      const store = open(file);
      expect(store.list(resolved({})).total).toBe(0);
      filled(store, SUMMARIES.slice(0, 2));
      expect(store.list(resolved({})).total).toBe(2);
      store.dispose();
    }
  });

  it('are read by nobody but their owner, since labels may name patients', ({ skip }) => {
    if (process.platform === 'win32') skip();
    const file = join(folder, 'private.sqlite');
    writeFileSync(file, '', { mode: 0o644 });
    const store = filled(open(file), SUMMARIES.slice(0, 2));
    for (const suffix of ['', '-wal', '-shm']) expect(statSync(`${file}${suffix}`).mode & 0o777, suffix).toBe(0o600);
    store.dispose();
  });

  it('refuse a query that says nothing sensible, naming the field', () => {
    expect(() => parseFilter(PROCEDURE_QUERY_SCHEMA, { from: 'yesterday' })).toThrow(/^from: must be a date/);
    expect(() => parseFilter(PROCEDURE_QUERY_SCHEMA, { to: '2026-02-30' })).toThrow(/^to: must be a date/);
    expect(() => parseFilter(PROCEDURE_QUERY_SCHEMA, { limit: 100_000 })).toThrow(/^limit/);
  });
});
