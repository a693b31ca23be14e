import { createWriteStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';
import { ZipFile } from 'yazl';

export interface ZipSource {
  /** Name in the archive, with `/`. */
  readonly path: string;
  /** The file on the disk. */
  readonly file: string;
  /** False for what is compressed already, such as video. */
  readonly compress: boolean;
}

/** Writes an archive (PKWARE APPNOTE, ZIP64 where needed) and flushes it to the disk. The file must not exist yet. */
export async function writeZip(target: string, sources: readonly ZipSource[], signal?: AbortSignal): Promise<void> {
  const zip = new ZipFile();
  // yazl tells of a file that it cannot read on itself, and not on its stream.
  const failure = new AbortController();
  zip.once('error', (error) => {
    failure.abort(error);
  });
  for (const { path, file, compress } of sources) zip.addFile(file, path, { compress });
  zip.end();
  const signals = [failure.signal, ...(signal === undefined ? [] : [signal])];
  try {
    await pipeline(zip.outputStream, createWriteStream(target, { flags: 'wx', flush: true }), { signal: AbortSignal.any(signals) });
  } catch (error) {
    throw failure.signal.aborted ? failure.signal.reason : error;
  }
}
