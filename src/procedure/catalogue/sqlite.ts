/** The one place that touches better-sqlite3. */
import { createRequire } from 'node:module';
import { messageOf } from '../../common/errors.js';

type Value = string | number | null;

/** What is used of a prepared statement. The package's own types are not imported: where it cannot be had npm removes them too. */
export interface SqliteStatement {
  run(...values: Value[]): unknown;
  get(...values: Value[]): unknown;
  all(...values: Value[]): unknown[];
  /** Rows as arrays, or only their first column. */
  raw(on: boolean): SqliteStatement;
  pluck(on: boolean): SqliteStatement;
}

export interface SqliteDatabase {
  prepare(sql: string): SqliteStatement;
  exec(sql: string): unknown;
  pragma(text: string, options?: { readonly simple: boolean }): unknown;
  transaction(work: () => void): () => void;
  close(): unknown;
}

type SqliteLibrary = new (file: string, options: { readonly timeout: number }) => SqliteDatabase;

// Required and not imported: the package is optional, so the compiler must not look for it.
const require = createRequire(import.meta.url);

/** Opens or creates a database; or tells why SQLite cannot be had on this machine. @throws what SQLite says of the file. */
export function openSqlite(file: string, lockTimeoutMs: number): { readonly database: SqliteDatabase } | { readonly reason: string } {
  let library: SqliteLibrary;
  try {
    library = require('better-sqlite3') as SqliteLibrary;
    // The binary is loaded with the first database, and may be of another Node than this one.
    new library(':memory:', { timeout: 0 }).close();
  } catch (error) {
    return { reason: `better-sqlite3 is not installed or does not fit this Node (${messageOf(error).split('\n', 1)[0] ?? ''})` };
  }
  return { database: new library(file, { timeout: lockTimeoutMs }) };
}
