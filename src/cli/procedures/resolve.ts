import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { UsageError } from '../../common/errors.js';
import { isProcedureId, procedureFolder, proceduresFolder } from '../../procedure/paths.js';

/**
 * The folder that a user means: an id, as many of its first letters as make it unique, `latest`, or the path of a folder that came from elsewhere.
 * @throws UsageError `procedure-unknown`, `procedure-ambiguous`
 */
export async function resolveProcedure(home: string, name: string): Promise<string> {
  if (/[/\\]/.test(name) || name.startsWith('.')) {
    if (existsSync(name)) return name;
    throw unknown(name);
  }
  const ids = (await readdir(proceduresFolder(home)).catch(() => [])).filter(isProcedureId).sort();
  const latest = ids.at(-1);
  if (name === 'latest') {
    if (latest !== undefined) return procedureFolder(home, latest);
    throw new UsageError('procedure-unknown', `No procedure is kept in ${home} yet.`, {
      remedy: 'Record one (R on the page, or --record), or audit a video: lumenmark audit VIDEO.',
    });
  }
  const fitting = ids.filter((id) => id.startsWith(name));
  const [only] = fitting;
  if (fitting.length > 1) {
    throw new UsageError('procedure-ambiguous', `${fitting.length} procedures begin with “${name}”.`, {
      remedy: `Write more of it: ${fitting.slice(0, 3).join(', ')} …`,
    });
  }
  if (only === undefined) throw unknown(name);
  return procedureFolder(home, only);
}

function unknown(name: string): UsageError {
  return new UsageError('procedure-unknown', `There is no procedure “${name}”.`, {
    remedy: 'List the kept ones: lumenmark procedures list. A folder elsewhere is named by its path, such as ./FOLDER.',
  });
}
