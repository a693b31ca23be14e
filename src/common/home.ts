import { homedir, platform } from 'node:os';
import { join } from 'node:path';

/**
 * Where models, galleries and procedures live: `LUMENMARK_HOME`, or the platform's folder for application data.
 * Sources: XDG Base Directory Specification; Apple File System Programming Guide; Microsoft Known Folders.
 */
export function lumenmarkHome(
  environment: Readonly<Record<string, string | undefined>> = process.env,
  system: NodeJS.Platform = platform(),
): string {
  const own = environment['LUMENMARK_HOME'];
  if (own !== undefined && own !== '') return own;
  if (system === 'win32') return join(environment['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'Lumenmark');
  if (system === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Lumenmark');
  const data = environment['XDG_DATA_HOME'];
  return join(data !== undefined && data !== '' ? data : join(homedir(), '.local', 'share'), 'lumenmark');
}
