import { finishDeletions } from './delete.js';
import { lockHome } from './home-lock.js';
import { installationKey, type InstallationKey } from './key.js';
import { recoverProcedures, type Recovered, type RecoverOptions } from './recover.js';

/** A home that this process alone writes to. */
export interface ProcedureHome {
  readonly path: string;
  readonly key: InstallationKey;
  /** What an earlier process had left open, and what came of it. */
  readonly recovered: readonly Recovered[];
  /** Lets another process in. Safe to call twice. */
  dispose(): Promise<void>;
}

export type OpenHomeOptions = Pick<RecoverOptions, 'onProgress' | 'signal'>;

/**
 * What every program does that keeps procedures, before it opens the first: lock the home, make or read the key, close what a crash left open.
 * @throws ProcedureError `home-in-use` with the process that holds it, `home-unusable`, `key-unreadable`.
 */
export async function openProcedureHome(home: string, options: OpenHomeOptions = {}): Promise<ProcedureHome> {
  const lock = await lockHome(home);
  try {
    const key = await installationKey(home);
    await finishDeletions(home);
    return { path: home, key, recovered: await recoverProcedures(home, { ...options, key }), dispose: () => lock.release() };
  } catch (error) {
    await lock.release();
    throw error;
  }
}
