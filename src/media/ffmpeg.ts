import { access, constants, stat } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { delimiter, isAbsolute, join, resolve } from 'node:path';
import { MediaError, messageOf } from '../common/errors.js';
import { readCapabilities, runList, type Capabilities } from './capabilities.js';

export type FfmpegOrigin = 'option' | 'environment' | 'system' | 'packaged';

/** A working ffmpeg binary and what it can do. */
export interface Ffmpeg {
  readonly path: string;
  /** As the binary prints it: `5.1.9-0+deb12u1`, `N-47683-g0e8eb07980-static`. */
  readonly version: string;
  readonly origin: FfmpegOrigin;
  readonly capabilities: Capabilities;
}

export interface FindFfmpegOptions {
  /** Use this binary and no other (`--ffmpeg`). */
  readonly path?: string;
  /** Default `process.env`; `FFMPEG_PATH` and `PATH` are read. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Whether the binary of @ffmpeg-installer may serve. Default true. */
  readonly packaged?: boolean;
}

const REMEDY = 'Install ffmpeg (Debian: apt install ffmpeg; macOS: brew install ffmpeg), or name one with --ffmpeg PATH or FFMPEG_PATH.';

// A binary does not change while the program runs, and asking it costs seven processes.
const known = new Map<string, Promise<Omit<Ffmpeg, 'origin'>>>();

/**
 * Finds ffmpeg: the one named by the option or by `FFMPEG_PATH`, else the first on the `PATH`, else the packaged one. A binary that was
 * named but does not run is an error, never silently replaced by another.
 * @throws MediaError `ffmpeg-missing` or `ffmpeg-unusable`.
 */
export async function findFfmpeg(options: FindFfmpegOptions = {}): Promise<Ffmpeg> {
  const environment = options.environment ?? process.env;
  if (options.path !== undefined) return open(await located(options.path, environment), 'option');
  const named = environment['FFMPEG_PATH'];
  if (named !== undefined && named !== '') return open(await located(named, environment), 'environment');

  const reasons: unknown[] = [];
  const candidates: [FfmpegOrigin, string | null][] = [
    ['system', await onPath('ffmpeg', environment)],
    ['packaged', options.packaged === false ? null : packagedPath()],
  ];
  for (const [origin, path] of candidates) {
    if (path === null) continue;
    try {
      return await open(path, origin);
    } catch (error) {
      reasons.push(error);
    }
  }
  const why = reasons.length === 0 ? 'none is on the PATH and none is packaged for this platform' : reasons.map(messageOf).join('; ');
  throw new MediaError('ffmpeg-missing', `No usable ffmpeg was found: ${why}.`, { remedy: REMEDY, cause: reasons[0] });
}

/** Path of the binary that @ffmpeg-installer brought for this platform, or null. */
export function packagedPath(): string | null {
  try {
    const { path } = createRequire(import.meta.url)('@ffmpeg-installer/ffmpeg') as { path: string };
    return path;
  } catch {
    // The package throws on platforms for which it has no binary.
    return null;
  }
}

async function open(path: string, origin: FfmpegOrigin): Promise<Ffmpeg> {
  let opening = known.get(path);
  if (opening === undefined) {
    opening = describe(path);
    known.set(path, opening);
    opening.catch(() => known.delete(path));
  }
  return { ...(await opening), origin };
}

async function describe(path: string): Promise<Omit<Ffmpeg, 'origin'>> {
  let banner: string;
  let capabilities: Capabilities;
  try {
    [banner, capabilities] = await Promise.all([runList(path, '-version'), readCapabilities(path)]);
  } catch (error) {
    throw new MediaError('ffmpeg-unusable', `${path} cannot be run: ${reasonOf(error)}.`, { remedy: REMEDY, cause: error });
  }
  const version = /^ffmpeg version (\S+)/.exec(banner)?.[1];
  if (version === undefined) {
    throw new MediaError('ffmpeg-unusable', `${path} runs but is not ffmpeg: it does not print an ffmpeg version.`, { remedy: REMEDY });
  }
  return { path, version, capabilities };
}

function reasonOf(error: unknown): string {
  const origin = error instanceof Error && error.cause !== undefined ? error.cause : error;
  const code = origin instanceof Error && 'code' in origin ? origin.code : undefined;
  if (code === 'ENOENT') return 'no such file';
  if (code === 'EACCES') return 'it is not executable';
  return messageOf(error).split('\n')[0] ?? 'unknown reason';
}

async function located(name: string, environment: Readonly<Record<string, string | undefined>>): Promise<string> {
  if (isAbsolute(name) || /[/\\]/.test(name)) return resolve(name);
  return (await onPath(name, environment)) ?? name;
}

async function onPath(name: string, environment: Readonly<Record<string, string | undefined>>): Promise<string | null> {
  const names = process.platform === 'win32' ? [`${name}.exe`, `${name}.cmd`] : [name];
  for (const folder of (environment['PATH'] ?? environment['Path'] ?? '').split(delimiter)) {
    if (folder === '') continue;
    for (const candidate of names) {
      const path = join(folder, candidate);
      try {
        await access(path, constants.X_OK);
        if ((await stat(path)).isFile()) return path;
      } catch {
        continue;
      }
    }
  }
  return null;
}
