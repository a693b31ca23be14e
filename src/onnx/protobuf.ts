import { ModelError } from '../common/errors.js';

/**
 * The part of the Protocol Buffers wire format that ONNX files need.
 * Source: protobuf.dev/programming-guides/encoding.
 */
const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

const utf8Encoder = new TextEncoder();
const utf8Decoder = new TextDecoder();

/**
 * Collects the fields of one message as a list of chunks. Large byte fields are kept by reference, so that the weights of a
 * model are copied once, when the chunks are joined or written.
 */
export class MessageWriter {
  readonly #chunks: Uint8Array[] = [];
  #pending = new Uint8Array(256);
  #used = 0;
  #flushedBytes = 0;

  get byteLength(): number {
    return this.#flushedBytes + this.#used;
  }

  /** An int64, int32, enum or bool field. Whole numbers from 2^63 on are written as the largest int64. */
  int(field: number, value: number | bigint): this {
    this.#key(field, VARINT);
    this.#varint(toInt64(value));
    return this;
  }

  float(field: number, value: number): this {
    this.#key(field, FIXED32);
    this.#room(4);
    new DataView(this.#pending.buffer).setFloat32(this.#used, value, true);
    this.#used += 4;
    return this;
  }

  string(field: number, value: string): this {
    return this.bytes(field, utf8Encoder.encode(value));
  }

  bytes(field: number, value: Uint8Array): this {
    this.#key(field, BYTES);
    this.#varint(BigInt(value.byteLength));
    this.#append(value);
    return this;
  }

  message(field: number, message: MessageWriter): this {
    this.#key(field, BYTES);
    this.#varint(BigInt(message.byteLength));
    for (const chunk of message.chunks()) this.#append(chunk);
    return this;
  }

  packedInts(field: number, values: readonly number[]): this {
    const packed = new MessageWriter();
    for (const value of values) packed.#varint(toInt64(value));
    return this.message(field, packed);
  }

  packedFloats(field: number, values: readonly number[]): this {
    return this.bytes(field, new Uint8Array(new Float32Array(values).buffer));
  }

  /** Bytes that hold whole encoded fields already. */
  encoded(fields: Uint8Array): this {
    this.#append(fields);
    return this;
  }

  chunks(): readonly Uint8Array[] {
    this.#flush();
    return this.#chunks;
  }

  #key(field: number, wireType: number): void {
    this.#varint(BigInt(field * 8 + wireType));
  }

  #varint(value: bigint): void {
    this.#room(10);
    let rest = BigInt.asUintN(64, value);
    while (rest >= 0x80n) {
      this.#pending[this.#used++] = Number(rest & 0x7fn) | 0x80;
      rest >>= 7n;
    }
    this.#pending[this.#used++] = Number(rest);
  }

  #append(bytes: Uint8Array): void {
    if (bytes.byteLength > 4096) {
      this.#flush();
      this.#chunks.push(bytes);
      this.#flushedBytes += bytes.byteLength;
      return;
    }
    this.#room(bytes.byteLength);
    this.#pending.set(bytes, this.#used);
    this.#used += bytes.byteLength;
  }

  #room(byteLength: number): void {
    if (this.#used + byteLength <= this.#pending.byteLength) return;
    const grown = new Uint8Array(Math.max(this.#pending.byteLength * 2, this.#used + byteLength));
    grown.set(this.#pending.subarray(0, this.#used));
    this.#pending = grown;
  }

  #flush(): void {
    if (this.#used === 0) return;
    this.#chunks.push(this.#pending.slice(0, this.#used));
    this.#flushedBytes += this.#used;
    this.#used = 0;
  }
}

/** Joins chunks into one array that owns its buffer. */
export function joinChunks(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const joined = new Uint8Array(chunks.reduce((total, chunk) => total + chunk.byteLength, 0));
  let offset = 0;
  for (const chunk of chunks) {
    joined.set(chunk, offset);
    offset += chunk.byteLength;
  }
  return joined;
}

/** One field as it stands in the file; `encoded` holds key and value, to be kept where the field is not understood. */
export class Field {
  readonly number: number;
  readonly encoded: Uint8Array;
  readonly #wireType: number;
  readonly #value: bigint | Uint8Array;

  constructor(number: number, wireType: number, value: bigint | Uint8Array, encoded: Uint8Array) {
    this.number = number;
    this.#wireType = wireType;
    this.#value = value;
    this.encoded = encoded;
  }

  bigint(): bigint {
    if (this.#wireType !== VARINT || typeof this.#value !== 'bigint') throw this.#mismatch();
    return BigInt.asIntN(64, this.#value);
  }

  /** Whole numbers beyond 2^53 lose their low bits. */
  int(): number {
    return Number(this.bigint());
  }

  float(): number {
    if (this.#wireType !== FIXED32) throw this.#mismatch();
    return viewOf(this.bytes()).getFloat32(0, true);
  }

  /** A view, not a copy. */
  bytes(): Uint8Array {
    if (typeof this.#value === 'bigint') throw this.#mismatch();
    return this.#value;
  }

  string(): string {
    return utf8Decoder.decode(this.#lengthDelimited());
  }

  message(): Iterable<Field> {
    return readFields(this.#lengthDelimited());
  }

  /** The values of a repeated integer field, packed or single. */
  ints(): bigint[] {
    if (this.#wireType === VARINT) return [this.bigint()];
    const bytes = this.#lengthDelimited();
    const values: bigint[] = [];
    for (let offset = 0; offset < bytes.byteLength;) {
      const [value, next] = readVarint(bytes, offset);
      values.push(BigInt.asIntN(64, value));
      offset = next;
    }
    return values;
  }

  /** The bytes of a repeated fixed-width field, packed or single. */
  fixed(byteWidth: 4 | 8): Uint8Array {
    const bytes = this.bytes();
    if (bytes.byteLength % byteWidth !== 0) throw damaged(`field ${String(this.number)} is cut short`);
    return bytes;
  }

  #lengthDelimited(): Uint8Array {
    if (this.#wireType !== BYTES) throw this.#mismatch();
    return this.bytes();
  }

  #mismatch(): ModelError {
    return damaged(`field ${String(this.number)} has the wrong wire type ${String(this.#wireType)}`);
  }
}

/** The fields of one message, in file order. @throws ModelError `onnx-damaged` */
export function* readFields(bytes: Uint8Array): Generator<Field> {
  let offset = 0;
  while (offset < bytes.byteLength) {
    const start = offset;
    const [key, afterKey] = readVarint(bytes, offset);
    const number = Number(key >> 3n);
    const wireType = Number(key & 7n);
    if (number === 0 || number > 0x1fff_ffff) throw damaged(`no field can have the number ${String(number)}`);
    let value: bigint | Uint8Array;
    if (wireType === VARINT) {
      [value, offset] = readVarint(bytes, afterKey);
    } else {
      let length: number;
      let from = afterKey;
      if (wireType === BYTES) {
        const [declared, afterLength] = readVarint(bytes, afterKey);
        from = afterLength;
        length = Number(declared);
      } else if (wireType === FIXED64) length = 8;
      else if (wireType === FIXED32) length = 4;
      else throw damaged(`wire type ${String(wireType)} does not exist`);
      if (length > bytes.byteLength - from) throw damaged(`field ${String(number)} is cut short`);
      offset = from + length;
      value = bytes.subarray(from, offset);
    }
    yield new Field(number, wireType, value, bytes.subarray(start, offset));
  }
}

function readVarint(bytes: Uint8Array, offset: number): [value: bigint, next: number] {
  let low = 0;
  // Nearly every number in a file is small: stay in plain numbers for up to four bytes.
  for (let index = 0; index < 4; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) throw damaged('a number is cut short');
    low |= (byte & 0x7f) << (7 * index);
    if (byte < 0x80) return [BigInt(low), offset + index + 1];
  }
  let value = BigInt(low);
  for (let index = 4; index < 10; index++) {
    const byte = bytes[offset + index];
    if (byte === undefined) throw damaged('a number is cut short');
    value |= BigInt(byte & 0x7f) << BigInt(7 * index);
    if (byte < 0x80) return [BigInt.asUintN(64, value), offset + index + 1];
  }
  throw damaged('a number is longer than 64 bits');
}

function toInt64(value: number | bigint): bigint {
  if (typeof value === 'bigint') return value;
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  if (!Number.isInteger(value) || value < -(2 ** 63)) throw new TypeError(`${String(value)} is not an int64`);
  return BigInt(value);
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function damaged(what: string): ModelError {
  return new ModelError('onnx-damaged', `Not a readable ONNX file: ${what}.`, {
    remedy: 'Fetch or export the file again; it is damaged, truncated, or not ONNX at all.',
  });
}
