import { mkdir } from 'node:fs/promises';
import { dirname, extname, join } from 'node:path';
import { messageOf, UsageError } from '../../common/errors.js';

/**
 * Where `--report` puts its page: a name with `.html` is the page itself, anything else a folder that also gets the JSON. The folder is
 * made now, so that a place that cannot be written is told before anything is computed.
 * @throws UsageError when it cannot be made.
 */
export async function reportFile(path: string): Promise<{ readonly html: string; readonly json: string | null }> {
  const page = extname(path).toLowerCase() === '.html';
  const folder = page ? dirname(path) : path;
  try {
    await mkdir(folder, { recursive: true });
  } catch (error) {
    throw new UsageError('report-file', `${folder}: cannot be made (${messageOf(error)})`, {
      remedy: 'Name another place with --report.',
      cause: error,
    });
  }
  return page ? { html: path, json: null } : { html: join(folder, 'report.html'), json: join(folder, 'report.json') };
}
