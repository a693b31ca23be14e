import { statfs } from 'node:fs/promises';

export type DiskState = 'ok' | 'low' | 'full';

export interface DiskReading {
  readonly state: DiskState;
  readonly freeBytes: number;
  /** How long it lasts at the present rate, ms; null while nothing is written. */
  readonly lastsMs: number | null;
}

export interface DiskWatchOptions {
  readonly folder: string;
  /** Bytes written so far. */
  readonly writtenBytes: () => number;
  readonly onReading: (reading: DiskReading) => void;
  /** Free bytes of the disk of a folder. Default: `statfs`. */
  readonly freeBytes?: (folder: string) => Promise<number>;
  /** Default 2000. */
  readonly everyMs?: number;
}

/** Warns below this much … */
export const LOW_BYTES = 2 * 2 ** 30;
/** … or below this long, at the present rate. */
const LOW_MS = 30 * 60_000;
/** Left free by the video for the journal, the detections and the stills. */
export const FULL_BYTES = 256 * 2 ** 20;

/** What a free space means. Pure. */
export function judgeDisk(freeBytes: number, bytesPerMs: number): DiskReading {
  const lastsMs = bytesPerMs <= 0 ? null : Math.max(0, freeBytes - FULL_BYTES) / bytesPerMs;
  const isLow = freeBytes < LOW_BYTES || (lastsMs !== null && lastsMs < LOW_MS);
  return { state: freeBytes < FULL_BYTES ? 'full' : isLow ? 'low' : 'ok', freeBytes, lastsMs };
}

/** Looks at the disk every few seconds, from now until it is stopped. A file system that does not answer is not asked twice at once. */
export function watchDisk({ folder, writtenBytes, onReading, freeBytes = freeOf, everyMs = 2000 }: DiskWatchOptions): { stop(): void } {
  const began = { bytes: writtenBytes(), atMs: performance.now() };
  let asking = false;
  let stopped = false;
  const look = async (): Promise<void> => {
    if (asking) return;
    asking = true;
    const free = await freeBytes(folder).catch(() => null);
    asking = false;
    if (stopped || free === null) return;
    onReading(judgeDisk(free, (writtenBytes() - began.bytes) / Math.max(1, performance.now() - began.atMs)));
  };
  void look();
  const timer = setInterval(() => void look(), everyMs);
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
    },
  };
}

async function freeOf(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize;
}
