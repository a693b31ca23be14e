import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import * as z from 'zod';
import { messageOf, ProcedureError } from '../common/errors.js';
import { isRunning, processIdentity } from '../common/process-identity.js';
import { claimName } from './durable-files.js';

const HOLDER = z.object({
  pid: z.number().int().positive(),
  identity: z.string().nullable(),
  host: z.string(),
  since: z.string(),
  token: z.string(),
});
type Holder = z.output<typeof HOLDER>;

/** The right to write to a home. */
export interface HomeLock {
  readonly home: string;
  /** Gives it back. Safe to call twice. */
  release(): Promise<void>;
}

/** Longer than a takeover takes; a guard older than this was left by a crash. */
const GUARD_EXPIRES_MS = 10_000;
/** A lock that nobody can read may be half-written; an older one is none. */
const UNREADABLE_EXPIRES_MS = 2000;
const RETRY_MS = 30;
const ATTEMPTS = 400;

/**
 * Makes this process the only one that writes to a home. A lock whose process is dead, or whose id belongs to another process by now, is
 * taken over.
 * @throws ProcedureError `home-in-use` with the process that holds it, `home-unusable`.
 */
export async function lockHome(home: string): Promise<HomeLock> {
  const file = join(home, 'home.lock');
  const holder: Holder = {
    pid: process.pid,
    identity: await processIdentity(process.pid),
    host: hostname(),
    since: new Date().toISOString(),
    token: randomBytes(8).toString('hex'),
  };
  const own = JSON.stringify(holder);
  const partial = `${file}.${holder.token}`;
  try {
    await mkdir(home, { recursive: true });
    await writeFile(partial, own, { flag: 'wx' });
    try {
      for (let attempt = 0; !(await claimName(partial, file)); attempt++) {
        if (attempt >= ATTEMPTS) throw new Error(`${file} changes hands all the time`);
        await takeOver(home, file);
      }
    } finally {
      await rm(partial, { force: true });
    }
  } catch (error) {
    if (error instanceof ProcedureError) throw error;
    throw new ProcedureError('home-unusable', `${home}: cannot be used: ${messageOf(error)}`, {
      remedy: 'Give the right to write there, or choose another place with LUMENMARK_HOME.',
      cause: error,
    });
  }
  return {
    home,
    async release() {
      if ((await readText(file)) === own) await rm(file, { force: true });
    },
  };
}

/** Removes a lock whose holder is gone. @throws ProcedureError `home-in-use` when it is not. */
async function takeOver(home: string, file: string): Promise<void> {
  const text = await readText(file);
  if (text === null) return;
  const holder = holderOf(text);
  if (holder !== null && !(await isGone(holder))) throw inUse(home, file, holder);
  if (holder === null && (await ageMs(file)) < UNREADABLE_EXPIRES_MS) {
    await sleep(RETRY_MS);
    return;
  }
  // Two processes that find the same dead holder must not remove each other's new lock: only who holds the guard removes.
  const guard = `${file}.takeover`;
  const handle = await open(guard, 'wx').catch(() => null);
  if (handle === null) {
    if ((await ageMs(guard)) > GUARD_EXPIRES_MS) await rm(guard, { force: true });
    await sleep(RETRY_MS);
    return;
  }
  try {
    if ((await readText(file)) === text) await rm(file, { force: true });
  } finally {
    await handle.close();
    await rm(guard, { force: true });
  }
}

/** Another machine's processes cannot be asked: its lock holds until somebody removes it. */
async function isGone({ pid, identity, host }: Holder): Promise<boolean> {
  if (host !== hostname()) return false;
  if (!isRunning(pid)) return true;
  const now = await processIdentity(pid);
  return identity !== null && now !== null && identity !== now;
}

function inUse(home: string, file: string, { pid, host, since }: Holder): ProcedureError {
  const here = host === hostname();
  return new ProcedureError('home-in-use', `${home}: is in use by process ${pid}${here ? '' : ` on ${host}`} since ${since}`, {
    remedy: here
      ? 'Stop that process first, or choose another place with LUMENMARK_HOME.'
      : `Stop it there, or, when it is gone for certain, remove ${file}.`,
  });
}

function holderOf(text: string): Holder | null {
  try {
    return HOLDER.parse(JSON.parse(text));
  } catch {
    return null;
  }
}

async function readText(file: string): Promise<string | null> {
  return readFile(file, 'utf8').catch(() => null);
}

async function ageMs(file: string): Promise<number> {
  const made = await stat(file).catch(() => null);
  return made === null ? 0 : Date.now() - made.mtimeMs;
}
