import type { Refusals } from './refusals.js';

/** The bytes of a pickle from front to back. */
export class ByteReader {
  readonly view: DataView;
  readonly #bytes: Uint8Array;
  readonly #refusals: Refusals;
  #position = 0;

  constructor(bytes: Uint8Array, refusals: Refusals) {
    this.#bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#refusals = refusals;
  }

  /** Where the next bytes lie, which are passed over. */
  skip(count: number): number {
    const start = this.#position;
    if (start + count > this.#bytes.byteLength) throw this.#refusals.damaged('its pickle is cut short');
    this.#position = start + count;
    return start;
  }

  byte(): number {
    return this.view.getUint8(this.skip(1));
  }

  uint32(): number {
    return this.view.getUint32(this.skip(4), true);
  }

  uint64(): number {
    return Number(this.view.getBigUint64(this.skip(8), true));
  }

  slice(byteLength: number): Uint8Array {
    const start = this.skip(byteLength);
    return this.#bytes.subarray(start, start + byteLength);
  }

  text(byteLength: number): string {
    return new TextDecoder().decode(this.slice(byteLength));
  }

  line(): string {
    const end = this.#bytes.indexOf(0x0a, this.#position);
    if (end < 0) throw this.#refusals.damaged('its pickle is cut short');
    const text = this.text(end - this.#position);
    this.skip(1);
    return text;
  }

  /** Two's complement, little endian. */
  long(byteLength: number): number | bigint {
    if (byteLength < 0 || byteLength > 64) throw this.#refusals.damaged('its pickle holds an implausibly long number');
    const bytes = this.slice(byteLength);
    let value = 0n;
    for (let index = byteLength - 1; index >= 0; index--) value = (value << 8n) | BigInt(bytes[index] ?? 0);
    const signed = BigInt.asIntN(byteLength * 8, value);
    const number = Number(signed);
    return Number.isSafeInteger(number) ? number : signed;
  }
}
