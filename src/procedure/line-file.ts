import { createReadStream } from 'node:fs';

export interface FileLine {
  /** Counts from 0. */
  readonly index: number;
  /** Without the line feed. */
  readonly bytes: Buffer;
  /** Where it begins in the file. */
  readonly offset: number;
  /** False for what a crash left behind the last line feed, or the zeros that some file systems leave after a loss of power. */
  readonly complete: boolean;
}

/** No line of ours is so long; a file without line feeds must not fill the memory. */
const MAX_LINE_BYTES = 16 * 1024 * 1024;
const LINE_FEED = 0x0a;

/**
 * The lines of a file, read in pieces. The last one is not `complete` when it has no line feed. Zeros at the end of the file belong to what is
 * not complete.
 * @throws RangeError when a line is longer than 16 MiB.
 */
export async function* readLines(file: string): AsyncGenerator<FileLine, void, undefined> {
  let index = 0;
  let offset = 0;
  let pieces: Buffer[] = [];
  let length = 0;
  const take = (rest: Buffer): Buffer => {
    const bytes = pieces.length === 0 ? rest : Buffer.concat([...pieces, rest]);
    pieces = [];
    length = 0;
    return bytes;
  };
  for await (const chunk of createReadStream(file) as AsyncIterable<Buffer>) {
    let from = 0;
    for (let end = chunk.indexOf(LINE_FEED); end >= 0; end = chunk.indexOf(LINE_FEED, from)) {
      const bytes = take(chunk.subarray(from, end));
      yield { index, bytes, offset, complete: true };
      index += 1;
      offset += bytes.length + 1;
      from = end + 1;
    }
    if (from < chunk.length) {
      // A copy, so that a short rest does not keep the whole chunk.
      pieces.push(Buffer.from(chunk.subarray(from)));
      length += chunk.length - from;
      if (length > MAX_LINE_BYTES) throw new RangeError(`line ${index + 1} is longer than ${MAX_LINE_BYTES} bytes`);
    }
  }
  if (length > 0) yield { index, bytes: take(Buffer.alloc(0)), offset, complete: false };
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The JSON of a line. @throws SyntaxError or TypeError when it is none. */
export function parseLine(bytes: Uint8Array): unknown {
  return JSON.parse(utf8.decode(bytes));
}
