import { createWriteStream } from 'node:fs';
import { mkdir, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { crc32Of } from './crc32.js';
import { messageOf } from './errors.js';

export interface UnzipOptions {
  /** Whether to unpack an entry, by its path in the archive. */
  readonly wanted: (path: string) => boolean;
  /** Largest entry that is unpacked, bytes. */
  readonly maxEntryBytes: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

export interface Unzipped {
  readonly unpacked: number;
  /** Entries that could not be read, with the cause, one line each. */
  readonly damaged: readonly { readonly path: string; readonly reason: string }[];
}

/** The archive was written to while it was being read: nothing that came from it can be relied on. */
export class ArchiveChanged extends Error {}

/**
 * Unpacks part of a zip archive (also zip64) into a folder, one entry after the other, each checked against its CRC-32. No entry can name a
 * place outside the folder.
 * @throws ArchiveChanged; Error when the archive has no readable directory.
 */
export async function unzip(archive: string, into: string, options: UnzipOptions): Promise<Unzipped> {
  const before = await stat(archive);
  try {
    return await unpackAll(archive, into, options);
  } finally {
    const after = await stat(archive).catch(() => null);
    // Explains whatever else went wrong.
    if (after?.size !== before.size || after.mtimeMs !== before.mtimeMs) throw new ArchiveChanged('it was changed while it was being read');
  }
}

async function unpackAll(archive: string, into: string, options: UnzipOptions): Promise<Unzipped> {
  const { wanted, signal, onProgress } = options;
  const zip = await openPromise(archive);
  const damaged: { path: string; reason: string }[] = [];
  let unpacked = 0;
  let seen = 0;
  try {
    // Refuses absolute paths, `..` and backslashes.
    for await (const entry of zip.eachEntry()) {
      signal?.throwIfAborted();
      seen += 1;
      const path = entry.fileName;
      if (!path.endsWith('/') && wanted(path)) {
        try {
          await unpack(zip, entry, join(into, path), options);
          unpacked += 1;
        } catch (error) {
          signal?.throwIfAborted();
          if (isDiskError(error)) throw error;
          damaged.push({ path, reason: messageOf(error) });
        }
      }
      onProgress?.(seen, zip.entryCount);
    }
  } finally {
    zip.close();
  }
  return { unpacked, damaged };
}

async function unpack(zip: ZipFile, entry: Entry, file: string, { maxEntryBytes, signal }: UnzipOptions): Promise<void> {
  if (entry.uncompressedSize > maxEntryBytes)
    throw new Error(`it has ${entry.uncompressedSize} bytes, more than the ${maxEntryBytes} allowed`);
  await mkdir(dirname(file), { recursive: true });
  let crc = 0;
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      crc = crc32Of(chunk, crc);
      done(null, chunk);
    },
  });
  try {
    const stream = await zip.openReadStreamPromise(entry);
    await pipeline(stream, check, createWriteStream(file, { flags: 'wx' }), signal === undefined ? {} : { signal });
    if (crc !== entry.crc32) throw new Error('its checksum is wrong');
  } catch (error) {
    if (!isDiskError(error)) await rm(file, { force: true });
    throw error;
  }
}

/** Errors of the file system stop the whole; those of an entry do not. */
function isDiskError(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error && error.code !== 'EEXIST';
}
