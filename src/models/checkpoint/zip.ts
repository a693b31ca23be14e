import { damagedCheckpoint } from './tensor.js';
import type { RandomAccess } from './random-access.js';
import { ModelError } from '../../common/errors.js';

/** A stored (uncompressed) entry of a zip archive. */
export interface ZipEntry {
  readonly name: string;
  readonly byteLength: number;
  /** Position of the first byte of the contents. */
  dataOffset(): Promise<number>;
}

const END_BYTES = 22;
const LONGEST_COMMENT = 0xffff;
const END_SIGNATURE = 0x0605_4b50;
const END64_LOCATOR_SIGNATURE = 0x0706_4b50;
const END64_SIGNATURE = 0x0606_4b50;
const ENTRY_SIGNATURE = 0x0201_4b50;
const LOCAL_SIGNATURE = 0x0403_4b50;
const LARGEST_DIRECTORY = 2 ** 28;

/**
 * Reads the central directory of a zip archive, zip64 included.
 * Source: PKWARE APPNOTE 6.3.10, sections 4.3.7 to 4.3.16 and 4.5.3.
 *
 * @throws ModelError `checkpoint-damaged`, or `checkpoint-compressed` for an entry that is compressed or encrypted.
 */
export async function readZipDirectory(file: RandomAccess): Promise<ReadonlyMap<string, ZipEntry>> {
  const { entryCount, offset, byteLength } = await findDirectory(file);
  if (byteLength > LARGEST_DIRECTORY) throw damagedCheckpoint(file.path, 'its table of contents is implausibly large');
  const bytes = await file.read(offset, byteLength);
  const view = new DataView(bytes.buffer);
  const entries = new Map<string, ZipEntry>();
  let position = 0;
  for (let index = 0; index < entryCount; index++) {
    if (position + 46 > byteLength || view.getUint32(position, true) !== ENTRY_SIGNATURE) {
      throw damagedCheckpoint(file.path, `entry ${String(index)} of its table of contents is damaged`);
    }
    const flags = view.getUint16(position + 8, true);
    const method = view.getUint16(position + 10, true);
    const nameLength = view.getUint16(position + 28, true);
    const extraLength = view.getUint16(position + 30, true);
    const commentLength = view.getUint16(position + 32, true);
    const end = position + 46 + nameLength + extraLength + commentLength;
    if (end > byteLength) throw damagedCheckpoint(file.path, `entry ${String(index)} of its table of contents is cut short`);
    const name = new TextDecoder().decode(bytes.subarray(position + 46, position + 46 + nameLength));
    const sizes = zip64Sizes(view, position, position + 46 + nameLength, extraLength);
    if (sizes === null) throw damagedCheckpoint(file.path, `the zip64 record of ${name} is damaged`);
    if (entries.has(name)) throw damagedCheckpoint(file.path, `it holds ${name} twice`);
    if (method !== 0 || (flags & 1) !== 0 || sizes.compressed !== sizes.uncompressed) {
      throw new ModelError('checkpoint-compressed', `${file.path}: ${name} is compressed or encrypted, which PyTorch never does.`, {
        remedy: 'Use the file as torch.save wrote it, or pack it again without compression (zip -0).',
      });
    }
    entries.set(name, entryAt(file, name, sizes.uncompressed, sizes.localOffset));
    position = end;
  }
  return entries;
}

function entryAt(file: RandomAccess, name: string, byteLength: number, localOffset: number): ZipEntry {
  return {
    name,
    byteLength,
    async dataOffset() {
      const header = new DataView((await file.read(localOffset, 30)).buffer);
      if (header.getUint32(0, true) !== LOCAL_SIGNATURE)
        throw damagedCheckpoint(file.path, `${name} is not where the table of contents says`);
      // The extra field here is not the one of the central directory: torch.save pads with it to align the data.
      const offset = localOffset + 30 + header.getUint16(26, true) + header.getUint16(28, true);
      if (offset + byteLength > file.byteLength) throw damagedCheckpoint(file.path, `${name} is cut short`);
      return offset;
    },
  };
}

interface EntrySizes {
  readonly compressed: number;
  readonly uncompressed: number;
  readonly localOffset: number;
}

function zip64Sizes(view: DataView, entry: number, extra: number, extraLength: number): EntrySizes | null {
  let compressed = view.getUint32(entry + 20, true);
  let uncompressed = view.getUint32(entry + 24, true);
  let localOffset = view.getUint32(entry + 42, true);
  const wanted = [uncompressed, compressed, localOffset].filter((value) => value === 0xffff_ffff).length;
  if (wanted === 0) return { compressed, uncompressed, localOffset };
  for (let position = extra; position + 4 <= extra + extraLength;) {
    const id = view.getUint16(position, true);
    const length = view.getUint16(position + 2, true);
    if (id === 1) {
      if (length < wanted * 8 || position + 4 + length > extra + extraLength) return null;
      let field = position + 4;
      const next = (): number => {
        const value = Number(view.getBigUint64(field, true));
        field += 8;
        return value;
      };
      if (uncompressed === 0xffff_ffff) uncompressed = next();
      if (compressed === 0xffff_ffff) compressed = next();
      if (localOffset === 0xffff_ffff) localOffset = next();
      return { compressed, uncompressed, localOffset };
    }
    position += 4 + length;
  }
  return null;
}

interface Directory {
  readonly entryCount: number;
  readonly offset: number;
  readonly byteLength: number;
}

async function findDirectory(file: RandomAccess): Promise<Directory> {
  const tailLength = Math.min(file.byteLength, END_BYTES + LONGEST_COMMENT);
  const tailOffset = file.byteLength - tailLength;
  const view = new DataView((await file.read(tailOffset, tailLength)).buffer);
  for (let position = tailLength - END_BYTES; position >= 0; position--) {
    if (view.getUint32(position, true) !== END_SIGNATURE) continue;
    const directory = {
      entryCount: view.getUint16(position + 10, true),
      byteLength: view.getUint32(position + 12, true),
      offset: view.getUint32(position + 16, true),
    };
    const overflown = directory.entryCount === 0xffff || directory.byteLength === 0xffff_ffff || directory.offset === 0xffff_ffff;
    return (overflown ? await findDirectory64(file, tailOffset + position) : null) ?? directory;
  }
  throw damagedCheckpoint(file.path, 'its end is missing, so it was truncated');
}

async function findDirectory64(file: RandomAccess, endOffset: number): Promise<Directory | null> {
  if (endOffset < 20) return null;
  const locator = new DataView((await file.read(endOffset - 20, 20)).buffer);
  if (locator.getUint32(0, true) !== END64_LOCATOR_SIGNATURE) return null;
  const record = new DataView((await file.read(Number(locator.getBigUint64(8, true)), 56)).buffer);
  if (record.getUint32(0, true) !== END64_SIGNATURE) throw damagedCheckpoint(file.path, 'its zip64 record is damaged');
  return {
    entryCount: Number(record.getBigUint64(32, true)),
    byteLength: Number(record.getBigUint64(40, true)),
    offset: Number(record.getBigUint64(48, true)),
  };
}
