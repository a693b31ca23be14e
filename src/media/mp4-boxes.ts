/** Boxes of the ISO base media file format (ISO/IEC 14496-12): written, and walked. */

export type Part = Uint8Array | string | readonly Part[];

/** A box of `type` (four characters) around its parts; text is written as Latin-1. */
export function box(type: string, ...parts: readonly Part[]): Buffer {
  const body = parts.flatMap(flattened);
  const bytes = body.reduce((sum, part) => sum + part.length, 8);
  return Buffer.concat([u32(bytes), Buffer.from(type, 'latin1'), ...body], bytes);
}

/** A box that begins with a version and 24 bits of flags. */
export function fullBox(type: string, version: number, flags: number, ...parts: readonly Part[]): Buffer {
  return box(type, u32(version * 0x1000000 + flags), ...parts);
}

export function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 2);
  for (const [at, value] of values.entries()) bytes.writeUInt16BE(value, at * 2);
  return bytes;
}

export function u32(...values: readonly number[]): Buffer {
  return u32s(values);
}

/** The same for tables, which are too long to be passed as arguments. */
export function u32s(values: readonly number[]): Buffer {
  const bytes = Buffer.allocUnsafe(values.length * 4);
  for (const [at, value] of values.entries()) bytes.writeUInt32BE(value >>> 0, at * 4);
  return bytes;
}

export function u64(value: number): Buffer {
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeBigUInt64BE(BigInt(value));
  return bytes;
}

function flattened(part: Part): Uint8Array[] {
  if (typeof part === 'string') return [Buffer.from(part, 'latin1')];
  return part instanceof Uint8Array ? [part] : part.flatMap(flattened);
}

/** The first box of a type among those that fill `bytes`; null where there is none. */
export function findBox(bytes: Buffer, type: string): Buffer | null {
  for (let at = 0; at < bytes.length;) {
    const header = readBoxHeader(bytes.subarray(at));
    if (header === null) return null;
    if (header.type === type) return bytes.subarray(at, at + header.bytes);
    at += header.bytes;
  }
  return null;
}

export interface BoxHeader {
  readonly type: string;
  /** With its header. */
  readonly bytes: number;
}

/** The header at the beginning of `bytes`; null where it is cut off or is none. A box that runs to the end of the file counts as cut off. */
export function readBoxHeader(bytes: Buffer): BoxHeader | null {
  if (bytes.length < 8) return null;
  const type = bytes.toString('latin1', 4, 8);
  const small = bytes.readUInt32BE(0);
  if (small >= 8) return { type, bytes: small };
  if (small !== 1 || bytes.length < 16) return null;
  const large = Number(bytes.readBigUInt64BE(8));
  return large >= 16 ? { type, bytes: large } : null;
}
