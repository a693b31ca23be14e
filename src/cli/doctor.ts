import { existsSync } from 'node:fs';
import { access, constants, statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import { dirname } from 'node:path';
import type { Command } from 'commander';
import { listDevices } from '../capture/devices.js';
import { lumenmarkHome } from '../common/home.js';
import { LumenmarkError, messageOf, UsageError } from '../common/errors.js';
import { version } from '../common/version.js';
import { resolveDevice } from '../inference/device.js';
import { findFfmpeg } from '../media/ffmpeg.js';
import { listModels, openModel } from '../models/registry.js';
import { openSqlite } from '../procedure/catalogue/sqlite.js';
import { loadHnsw } from '../retrieval/hnsw.js';

/** `lacks`: works without it, but something is missing; `fails`: nothing works without it. */
type Verdict = 'ok' | 'lacks' | 'fails';

interface Finding {
  readonly what: string;
  readonly verdict: Verdict;
  readonly detail: string;
}

const MARKS: Readonly<Record<Verdict, string>> = { ok: '✓', lacks: '–', fails: '✗' };
const GIB = 2 ** 30;

export function register(program: Command): void {
  program
    .command('doctor')
    .description('what this machine has and lacks')
    .option('--ffmpeg <path>', 'ffmpeg to use')
    .option('--json', 'print JSON', false)
    .action(async ({ ffmpeg, json }: { ffmpeg?: string; json: boolean }) => {
      const findings = await examine(ffmpeg);
      if (json) console.log(JSON.stringify({ version, findings }, null, 2));
      else for (const { what, verdict, detail } of findings) console.log(`${MARKS[verdict]} ${what.padEnd(12)} ${detail}`);
      if (findings.some(({ verdict }) => verdict === 'fails')) process.exitCode = 1;
    });
}

async function examine(ffmpegPath: string | undefined): Promise<Finding[]> {
  const home = lumenmarkHome();
  const findings = await Promise.all([
    look('Node', () => `${process.versions.node} on ${process.platform} ${process.arch}`),
    look('machine', () => `${availableParallelism()} threads, ${(totalmem() / GIB).toFixed(0)} GiB of memory`),
    look('ffmpeg', async () => {
      const { path, version: release, origin, capabilities } = await findFfmpeg(ffmpegPath === undefined ? {} : { path: ffmpegPath });
      const lacking = ['rtsp', 'srt'].filter((name) => !capabilities.protocols.has(name) && !capabilities.demuxers.has(name));
      const detail = `${release}, ${path} (${origin})`;
      return lacking.length === 0 ? detail : { verdict: 'lacks' as const, detail: `${detail}; cannot read ${lacking.join(', ')}` };
    }),
    look('capture', async () => {
      const devices = await listDevices(await findFfmpeg(ffmpegPath === undefined ? {} : { path: ffmpegPath }));
      return devices.length === 0 ? { verdict: 'lacks', detail: 'no capture device' } : devices.map(({ source }) => source).join(', ');
    }),
    look('inference', async () => {
      const { name, reason, threads } = await resolveDevice();
      return `${name}, ${threads} thread(s): ${reason}`;
    }),
    look('HNSW', () => {
      const loaded = loadHnsw();
      const lacks = (reason: string) => ({ verdict: 'lacks' as const, detail: `exact search serves: ${reason}` });
      return Promise.resolve('library' in loaded ? 'hnswlib-node loads' : lacks(loaded.reason));
    }),
    look('catalogue', () => {
      const opened = openSqlite(':memory:', 0);
      if ('reason' in opened) return { verdict: 'lacks', detail: `procedures are read again at each start: ${opened.reason}` };
      opened.database.close();
      return 'better-sqlite3 loads';
    }),
    look('models', async () => {
      const names = (await listModels({ home })).map(({ name }) => name);
      for (const name of names) await openModel(name, { home });
      return names.join(', ');
    }),
    look('home', async () => {
      const there = nearestThere(home);
      await access(there, constants.W_OK).catch((cause: unknown) => {
        throw new UsageError('home', `${home} cannot be written to.`, { cause, remedy: 'Name another folder with LUMENMARK_HOME.' });
      });
      const { bavail, bsize } = await statfs(there);
      const freeGib = (bavail * bsize) / GIB;
      const detail = `${home}, ${freeGib.toFixed(1)} GiB free`;
      return freeGib < 2 ? { verdict: 'lacks', detail: `${detail}: too little to record` } : detail;
    }),
  ]);
  return findings;
}

/** The folder itself, or the first one above it that exists: what it would be made in. */
function nearestThere(folder: string): string {
  const above = dirname(folder);
  return existsSync(folder) || above === folder ? folder : nearestThere(above);
}

type Look = string | { readonly verdict: Verdict; readonly detail: string };

async function look(what: string, ask: () => Look | Promise<Look>): Promise<Finding> {
  try {
    const found = await ask();
    return { what, ...(typeof found === 'string' ? { verdict: 'ok' as const, detail: found } : found) };
  } catch (error) {
    const remedy = error instanceof LumenmarkError ? error.remedy : undefined;
    return { what, verdict: 'fails', detail: `${messageOf(error)}${remedy === undefined ? '' : ` ${remedy}`}` };
  }
}
