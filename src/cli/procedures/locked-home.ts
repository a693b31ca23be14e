import { userInfo } from 'node:os';
import { Option } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { progressBar } from '../../common/progress.js';
import { openProcedureHome, type ProcedureHome } from '../../procedure/home.js';

/** Runs work that writes to the home: locked, and with what a crash left open closed first, which is told on stderr. */
export async function withHome<Result>(work: (home: ProcedureHome) => Promise<Result>): Promise<Result> {
  const bar = progressBar();
  const home = await openProcedureHome(lumenmarkHome(), {
    onProgress: (done, total) => {
      bar.update({ label: 'looking', done, total });
    },
  }).finally(() => {
    bar.end();
  });
  try {
    for (const { id, outcome, detail } of home.recovered) console.error(`${id}: ${outcome}: ${detail}`);
    return await work(home);
  } finally {
    await home.dispose();
  }
}

export function byOption(): Option {
  return new Option('--by <name>', 'who says so').default(userName(), 'the name that you are logged in with');
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run under an id that has no name.
    return `user ${process.getuid?.() ?? 'unknown'}`;
  }
}
