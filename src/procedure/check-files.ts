import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf, ProcedureError } from '../common/errors.js';
import { fileSha256, type FileHashOptions } from '../common/sha256.js';
import { filesBelow } from './durable-files.js';
import { isClosing, type Entry, type FileRecord } from './entries.js';
import type { Finding, FindingKind } from './finding.js';
import { isCovered } from './inventory.js';

export interface FilesCheckOptions extends Pick<FileHashOptions, 'signal'> {
  /** Bytes hashed so far, of all. */
  readonly onProgress?: (doneBytes: number, totalBytes: number) => void;
}

/**
 * Compares the files of a folder with what its journal says of them: the closing line lists them all; before it, the lines of stills vouch
 * for their own. In the order of the paths.
 */
export async function checkFiles(folder: string, entries: readonly Entry[], options: FilesCheckOptions = {}): Promise<Finding[]> {
  const closing = entries.find(isClosing);
  const stills = entries
    .filter((entry) => entry.type === 'still-kept' || entry.type === 'capture')
    .map(({ file, bytes, sha256 }): FileRecord => ({ path: file, bytes, sha256 }));
  const listed = new Map((closing?.files ?? stills).map((record) => [record.path, record]));
  const below = await filesBelow(folder).catch((error: unknown) => {
    throw new ProcedureError('procedure-unreadable', `${folder}: cannot be looked through: ${messageOf(error)}`, {
      remedy: 'Check the rights on the folder and the disk.',
      cause: error,
    });
  });
  const present = new Map(below.map(({ path, kind }) => [path, kind]));
  const findings: Finding[] = [];

  if (closing !== undefined) {
    for (const { path, sha256 } of stills) {
      const record = listed.get(path);
      if (record?.sha256 !== sha256)
        findings.push(about('file-altered', path, 'was altered between the moment it was kept and the closing'));
    }
    for (const path of present.keys()) {
      if (isCovered(path) && !listed.has(path)) findings.push(about('file-unlisted', path, 'was added: the closing line does not list it'));
    }
  }

  const totalBytes = [...listed.values()].reduce((sum, { bytes }) => sum + bytes, 0);
  let doneBytes = 0;
  for (const record of listed.values()) {
    const finding = await checkFile(folder, record, present.get(record.path), {
      ...(options.signal === undefined ? {} : { signal: options.signal }),
      onBytes: (bytes) => {
        doneBytes += bytes;
        options.onProgress?.(doneBytes, totalBytes);
      },
    });
    if (finding !== null) findings.push(finding);
  }
  return findings.sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

async function checkFile(
  folder: string,
  { path, bytes, sha256 }: FileRecord,
  kind: 'file' | 'other' | undefined,
  options: FileHashOptions,
): Promise<Finding | null> {
  if (kind === undefined) return about('file-missing', path, 'is missing');
  if (kind === 'other') return about('file-no-file', path, 'was replaced by something that is no file, such as a link');
  const file = join(folder, path);
  try {
    const { size } = await stat(file);
    if (size !== bytes) return about('file-altered', path, `was altered: it had ${bytes} bytes and has ${size}`);
    return (await fileSha256(file, options)) === sha256 ? null : about('file-altered', path, 'was altered: its hash is another');
  } catch (error) {
    options.signal?.throwIfAborted();
    return about('file-unreadable', path, `cannot be read: ${messageOf(error)}`);
  }
}

function about(kind: FindingKind, path: string, message: string): Finding {
  return { kind, severity: 'altered', path, line: null, message: `${path} ${message}` };
}
