import { readdirSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.json': 'application/json',
  '.webmanifest': 'application/manifest+json',
  '.map': 'application/json',
  '.txt': 'text/plain; charset=utf-8',
  '.woff2': 'font/woff2',
};

export interface StaticFile {
  readonly contentType: string;
  /** Its name changes with its content, so that it may be kept for ever. */
  readonly immutable: boolean;
  readonly etag: string;
  read(): Promise<Uint8Array>;
}

export interface StaticFiles {
  /** The file at this path of the address, `/` being `index.html` and `/x` also `x.html`; null when there is none. */
  find(path: string): StaticFile | null;
}

function list(root: string, folder: string, found: Map<string, string>): void {
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) list(root, path, found);
    else if (entry.isFile()) found.set(`/${relative(root, path).split(sep).join('/')}`, path);
  }
}

/**
 * The files of a folder, by a table made from the folder itself: what is not in the table is not served, so that no path of a
 * request ever becomes a path of the disk. The table is made anew when `index.html` is, as a rebuild does.
 */
export function createStaticFiles(root: string): StaticFiles {
  let table = new Map<string, string>();
  let builtMs = -1;

  function refresh(): void {
    const index = statSync(join(root, 'index.html'), { throwIfNoEntry: false });
    const modifiedMs = index?.mtimeMs ?? -1;
    if (modifiedMs === builtMs) return;
    builtMs = modifiedMs;
    table = new Map();
    if (index !== undefined) list(root, root, table);
  }

  return {
    find(path) {
      refresh();
      // A page is known by its name alone.
      const file = table.get(path === '/' ? '/index.html' : path) ?? table.get(`${path}.html`);
      if (file === undefined) return null;
      const stat = statSync(file, { throwIfNoEntry: false });
      if (stat === undefined) return null;
      return {
        contentType: CONTENT_TYPES[extname(file).toLowerCase()] ?? 'application/octet-stream',
        immutable: path.startsWith('/assets/'),
        etag: `"${stat.size.toString(36)}-${Math.round(stat.mtimeMs).toString(36)}"`,
        read: () => readFile(file),
      };
    },
  };
}
