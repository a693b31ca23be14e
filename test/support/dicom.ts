/** A value of a data element: text, numbers of 16 bits, bytes, or encapsulated fragments. */
export type DicomValue = string | readonly number[] | Uint8Array | { readonly fragments: readonly Uint8Array[] };

export interface DicomFile {
  readonly syntax?: string;
  /** By tag, eight hexadecimal digits: `[value representation, value]`. */
  readonly elements: Readonly<Record<string, readonly [vr: string, value: DicomValue]>>;
}

export const EXPLICIT_LITTLE = '1.2.840.10008.1.2.1';
const LONG = new Set(['OB', 'OW', 'UN', 'SQ', 'UT']);

/** Writes a DICOM file (PS3.10) with the given elements, as small as it can be. */
export function dicomFile({ syntax = EXPLICIT_LITTLE, elements }: DicomFile): Uint8Array<ArrayBuffer> {
  const explicit = syntax !== '1.2.840.10008.1.2';
  const bigEndian = syntax === '1.2.840.10008.1.2.2';
  const syntaxElement = element('00020010', 'UI', syntax, true, false);
  const body = Object.entries(elements)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([tag, [vr, value]]) => element(tag, vr, value, explicit, bigEndian));
  return new Uint8Array(
    Buffer.concat([
      Buffer.alloc(128),
      Buffer.from('DICM'),
      element('00020000', 'UL', words([syntaxElement.length, 0], false), true, false),
      syntaxElement,
      ...body,
    ]),
  );
}

/** The elements that describe a picture of one frame or more. */
export function pictureElements(
  picture: {
    readonly rows: number;
    readonly columns: number;
    readonly photometric: string;
    readonly samples?: number;
    readonly planar?: number;
    readonly bits?: number;
    readonly stored?: number;
    readonly frames?: number;
  },
  pixels: DicomValue,
): DicomFile['elements'] {
  const { rows, columns, photometric, samples = 3, planar = 0, bits = 8, stored = bits, frames } = picture;
  return {
    '00280002': ['US', [samples]],
    '00280004': ['CS', photometric],
    ...(samples > 1 ? { '00280006': ['US', [planar]] as const } : {}),
    ...(frames === undefined ? {} : { '00280008': ['IS', String(frames)] as const }),
    '00280010': ['US', [rows]],
    '00280011': ['US', [columns]],
    '00280100': ['US', [bits]],
    '00280101': ['US', [stored]],
    '00280102': ['US', [stored - 1]],
    '00280103': ['US', [0]],
    '7fe00010': [bits === 16 ? 'OW' : 'OB', pixels],
  };
}

/** One frame in DICOM RLE, its byte planes packed the plainest way: literal runs. */
export function rleFrame(planes: readonly Uint8Array[]): Uint8Array {
  const segments = planes.map((plane) => {
    const parts: Buffer[] = [];
    for (let at = 0; at < plane.length; at += 128) {
      const run = plane.subarray(at, at + 128);
      const same = run.length > 1 && run.every((value) => value === run[0]);
      parts.push(same ? Buffer.from([257 - run.length, run[0]!]) : Buffer.concat([Buffer.from([run.length - 1]), run]));
    }
    const packed = Buffer.concat(parts);
    return packed.length % 2 === 0 ? packed : Buffer.concat([packed, Buffer.from([128])]);
  });
  const header = Buffer.alloc(64);
  header.writeUInt32LE(segments.length, 0);
  let offset = 64;
  segments.forEach((segment, at) => {
    header.writeUInt32LE(offset, 4 + 4 * at);
    offset += segment.length;
  });
  return Buffer.concat([header, ...segments]);
}

function element(tag: string, vr: string, value: DicomValue, explicit: boolean, bigEndian: boolean): Buffer {
  const group = Number.parseInt(tag.slice(0, 4), 16);
  const number = Number.parseInt(tag.slice(4), 16);
  const encapsulated = typeof value === 'object' && 'fragments' in value;
  const content = encapsulated ? sequence(value.fragments) : even(bytesOf(value, bigEndian));
  const length = encapsulated ? 0xffffffff : content.length;
  const head = Buffer.from(words([group, number], bigEndian));
  if (!explicit) return Buffer.concat([head, long(length, bigEndian), content]);
  const representation = Buffer.from(vr);
  if (LONG.has(vr)) return Buffer.concat([head, representation, Buffer.alloc(2), long(length, bigEndian), content]);
  return Buffer.concat([head, representation, words([length], bigEndian), content]);
}

function sequence(fragments: readonly Uint8Array[]): Buffer {
  const item = (content: Uint8Array): Buffer => {
    const padded = even(content);
    return Buffer.concat([words([0xfffe, 0xe000], false), long(padded.length, false), padded]);
  };
  return Buffer.concat([item(new Uint8Array()), ...fragments.map(item), words([0xfffe, 0xe0dd], false), long(0, false)]);
}

function bytesOf(value: string | readonly number[] | Uint8Array, bigEndian: boolean): Uint8Array {
  if (typeof value === 'string') return even(Buffer.from(value), value.startsWith('1.2.840.') ? 0 : 32);
  return value instanceof Uint8Array ? value : words(value, bigEndian);
}

function even(bytes: Uint8Array, padding = 0): Buffer {
  return Buffer.concat([bytes, Buffer.alloc(bytes.length % 2, padding)]);
}

export function words(values: readonly number[], bigEndian = false): Uint8Array {
  const bytes = Buffer.alloc(2 * values.length);
  values.forEach((value, at) => (bigEndian ? bytes.writeUInt16BE(value, 2 * at) : bytes.writeUInt16LE(value, 2 * at)));
  return bytes;
}

function long(value: number, bigEndian: boolean): Buffer {
  const bytes = Buffer.alloc(4);
  if (bigEndian) bytes.writeUInt32BE(value);
  else bytes.writeUInt32LE(value);
  return bytes;
}
