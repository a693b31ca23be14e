import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { WebSocket } from 'ws';
import { outlineOfMp4 } from '../../src/media/seekable.js';
import { openProcedureHome } from '../../src/procedure/home.js';
import { proceduresFolder } from '../../src/procedure/paths.js';
import { readProcedure } from '../../src/procedure/reader.js';
import { recordingParts } from '../../src/procedure/recording/finish.js';
import { verifyProcedure } from '../../src/procedure/verify.js';
import type { ServerMessage } from '../../src/server/protocol.js';
import { startLive } from './live.js';

export interface Killed {
  /** What the next start made of it; `none`: the process died before the folder had anything in it, or there was none yet. */
  readonly outcome: 'interrupted' | 'removed' | 'none';
  /** What `verify` found. */
  readonly findings: number;
  /** Notes that were answered before the kill, and those of them that the journal holds. */
  readonly acknowledged: number;
  readonly kept: number;
  /** Frames in the video, by its index and as ffmpeg plays them; null without a video. */
  readonly frames: number | null;
  readonly played: number | null;
  /** From the end of the video to the newest frame that a client had been sent, ms; without a video, from the first one that it had been sent. Null without both. */
  readonly lostMs: number | null;
}

/** Presentation times that reached a client. */
interface Sent {
  firstPtsUs: number | null;
  newestPtsUs: number | null;
}

export interface KillOptions {
  readonly home: string;
  /** Arguments of `lumenmark live` beside `--record`. */
  readonly args: readonly string[];
  /** From the moment the server answers, ms. */
  readonly afterMs: number;
  readonly ffmpegPath: string;
}

/** Starts a real `lumenmark live --record`, makes marks, kills it, recovers what it left, and looks whether all is there. */
export async function killOnce({ home, args, afterMs, ffmpegPath }: KillOptions): Promise<Killed> {
  const live = await startLive(['--record', ...args], home);
  const sent: Sent = { firstPtsUs: null, newestPtsUs: null };
  const socket = new WebSocket(`${live.url.replace('http', 'ws')}ws?frames=none`, 'lumenmark.v1');
  socket.on('message', (data: Buffer) => {
    const message = JSON.parse(data.toString('utf8')) as ServerMessage;
    if (message.type !== 'frame' && message.type !== 'tracking') return;
    sent.firstPtsUs ??= message.ptsUs;
    sent.newestPtsUs = Math.max(sent.newestPtsUs ?? 0, message.ptsUs);
  });
  socket.on('error', () => undefined);
  const acknowledged: string[] = [];
  let isOver = false;
  const mark = async (): Promise<void> => {
    for (let count = 0; !isOver; count += 1) {
      const text = `mark ${count}`;
      const body = JSON.stringify({ text });
      const request = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body };
      const response = await fetch(`${live.url}api/procedures/current/notes`, request).catch(() => null);
      if (response?.status === 204) acknowledged.push(text);
      await sleep(20);
    }
  };
  const marking = mark();
  await sleep(afterMs);
  await live.kill();
  isOver = true;
  await marking;
  socket.terminate();

  const opened = await openProcedureHome(home);
  await opened.dispose();
  const [recovered] = opened.recovered;
  try {
    if (recovered === undefined || recovered.outcome === 'removed') {
      return {
        ...{ outcome: recovered === undefined ? 'none' : 'removed', findings: 0, frames: null, played: null, lostMs: null },
        ...{ acknowledged: acknowledged.length, kept: 0 },
      };
    }
    if (recovered.outcome !== 'interrupted') throw new Error(`${recovered.id} ${recovered.outcome}: ${recovered.detail}`);
    return await examine(join(proceduresFolder(home), recovered.id), acknowledged, sent, ffmpegPath);
  } finally {
    await rm(proceduresFolder(home), { recursive: true, force: true });
  }
}

async function examine(folder: string, acknowledged: readonly string[], sent: Sent, ffmpegPath: string): Promise<Killed> {
  const { findings } = await verifyProcedure(folder);
  const procedure = await readProcedure(folder);
  const notes = new Set(procedure.entriesOf('note').map(({ text }) => text));
  const parts = await recordingParts(folder);
  let [frames, played]: [number | null, number | null] = [null, null];
  let endUs: number | null = null;
  for (const part of parts) {
    const words = ['-hide_banner', '-nostdin', '-xerror', '-i', join(folder, part), '-vsync', '0', '-f', 'null', '-'];
    const { stderr } = await promisify(execFile)(ffmpegPath, words);
    played = (played ?? 0) + Number(/frame= *(\d+)(?![\s\S]*frame=)/.exec(stderr)?.[1] ?? 0);
    const { durationMs } = await outlineOfMp4(join(folder, part));
    const origin = procedure.entriesOf('recording-started').find(({ file }) => file === part)?.originPtsUs;
    if (origin !== undefined && durationMs !== null) endUs = origin + durationMs * 1000;
  }
  const heldUntilUs = endUs ?? sent.firstPtsUs;
  const stopped = procedure.entriesOf('recording-stopped');
  if (parts.length > 0) frames = stopped.reduce((sum, entry) => sum + (entry.frames ?? 0), 0);
  return {
    outcome: 'interrupted',
    findings: findings.length,
    acknowledged: acknowledged.length,
    kept: acknowledged.filter((text) => notes.has(text)).length,
    ...{ frames, played },
    lostMs: sent.newestPtsUs === null || heldUntilUs === null ? null : Math.max(0, (sent.newestPtsUs - heldUntilUs) / 1000),
  };
}
