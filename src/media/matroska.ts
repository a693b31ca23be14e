/**
 * Incremental Matroska demuxer for what ffmpeg's muxer writes to a pipe: no lacing, clusters of known or unknown size, SimpleBlock
 * and BlockGroup. (RFC 9559; EBML is RFC 8794.)
 *
 * Chunks go in as they arrive, packets come out as soon as their last byte is here. Every byte of a packet is copied exactly once,
 * into a buffer of its own that can be transferred to a worker.
 */
import { MediaError } from '../common/errors.js';

export interface MatroskaTrack {
  /** Number by which packets name their track, from 1. */
  readonly number: number;
  /** Matroska codec id: `V_MJPEG`, `V_UNCOMPRESSED`, `V_MS/VFW/FOURCC`, … */
  readonly codecId: string;
  readonly width: number;
  readonly height: number;
  /** What a decoder needs before the first packet (for H.264 an `AVCDecoderConfigurationRecord`); null where the codec needs nothing. */
  readonly codecPrivate: Uint8Array | null;
}

export interface MatroskaPacket {
  readonly track: number;
  /** Presentation time, µs. */
  readonly ptsUs: number;
  /** Marked as decodable without any other packet; a block in a group is never marked. */
  readonly keyframe: boolean;
  /** Owns its whole ArrayBuffer. */
  readonly data: Uint8Array<ArrayBuffer>;
}

export interface MatroskaOptions {
  /** A packet that claims to be larger is taken for damage. Default 256 MiB. */
  readonly maxPacketBytes?: number;
}

const ID = {
  ebml: 0x1a45dfa3,
  segment: 0x18538067,
  info: 0x1549a966,
  timestampScale: 0x2ad7b1,
  tracks: 0x1654ae6b,
  trackEntry: 0xae,
  trackNumber: 0xd7,
  codecId: 0x86,
  codecPrivate: 0x63a2,
  video: 0xe0,
  pixelWidth: 0xb0,
  pixelHeight: 0xba,
  cluster: 0x1f43b675,
  timestamp: 0xe7,
  blockGroup: 0xa0,
  simpleBlock: 0xa3,
  block: 0xa1,
} as const;

// Ids are unique over the whole format, so a master element needs no stack: its children are read as if they stood in its place,
// which is also what makes clusters of unknown size cost nothing.
const ENTERED = new Set<number>([ID.segment, ID.info, ID.tracks, ID.trackEntry, ID.video, ID.cluster, ID.blockGroup]);
const VALUES = new Set<number>([ID.timestampScale, ID.trackNumber, ID.codecId, ID.pixelWidth, ID.pixelHeight, ID.timestamp]);
const MAX_VALUE_BYTES = 64;
const MAX_CODEC_PRIVATE_BYTES = 2 ** 20;
const UNKNOWN_SIZE = -1;

type State = 'header' | 'value' | 'block-header' | 'payload' | 'skip';

interface OpenTrack {
  number: number;
  codecId: string;
  width: number;
  height: number;
  codecPrivate: Uint8Array | null;
}

export class MatroskaDemuxer {
  readonly #maxPacketBytes: number;
  readonly #tracks: OpenTrack[] = [];
  // Bytes of an element header, value or block header that a chunk boundary may cut.
  readonly #scratch = new Uint8Array(MAX_VALUE_BYTES);
  #scratchLength = 0;
  #state: State = 'header';
  #started = false;
  #id = 0;
  #left = 0;
  #timestampScaleNs = 1_000_000;
  #clusterTimestamp = 0;
  #payload = new Uint8Array(0);
  #filled = 0;
  #track = 0;
  #ptsUs = 0;
  #keyframe = false;

  constructor(options: MatroskaOptions = {}) {
    this.#maxPacketBytes = options.maxPacketBytes ?? 256 * 2 ** 20;
  }

  /** Tracks known so far; complete before the first packet. */
  get tracks(): readonly MatroskaTrack[] {
    return this.#tracks;
  }

  /** True while the bytes so far end in the middle of an element. */
  get midElement(): boolean {
    return this.#state !== 'header' || this.#scratchLength > 0;
  }

  /**
   * Takes the next bytes and yields the packets that they complete. The iterator must be run to its end before the next push.
   * @throws MediaError (`matroska-damaged`) when the bytes are not Matroska as described above.
   */
  *push(chunk: Uint8Array): Generator<MatroskaPacket, void, undefined> {
    let at = 0;
    while (at < chunk.length || (this.#state !== 'header' && this.#left === 0)) {
      switch (this.#state) {
        case 'header':
          at = this.#readHeader(chunk, at);
          break;
        case 'value':
          at = this.#gather(chunk, at, this.#left);
          if (this.#left === 0) this.#readValue();
          break;
        case 'block-header':
          at = this.#readBlockHeader(chunk, at);
          break;
        case 'payload': {
          const end = Math.min(chunk.length, at + this.#left);
          this.#payload.set(chunk.subarray(at, end), this.#filled);
          this.#filled += end - at;
          this.#left -= end - at;
          at = end;
          if (this.#left === 0) {
            const data = this.#payload;
            this.#payload = new Uint8Array(0);
            this.#state = 'header';
            if (this.#id === ID.codecPrivate) {
              const track = this.#tracks.at(-1);
              if (track !== undefined) track.codecPrivate = data;
              break;
            }
            yield { track: this.#track, ptsUs: this.#ptsUs, keyframe: this.#keyframe, data };
          }
          break;
        }
        case 'skip': {
          const end = Math.min(chunk.length, at + this.#left);
          this.#left -= end - at;
          at = end;
          if (this.#left === 0) this.#state = 'header';
          break;
        }
      }
    }
  }

  #gather(chunk: Uint8Array, at: number, bytes: number): number {
    const end = Math.min(chunk.length, at + bytes);
    this.#scratch.set(chunk.subarray(at, end), this.#scratchLength);
    this.#scratchLength += end - at;
    this.#left -= end - at;
    return end;
  }

  #readHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    const scratch = this.#scratch;
    while (at < chunk.length) {
      scratch[this.#scratchLength] = chunk[at] ?? 0;
      this.#scratchLength += 1;
      at += 1;
      const idLength = vintLength(scratch[0] ?? 0);
      if (idLength > 4) throw damaged('an element id is invalid');
      if (this.#scratchLength <= idLength) continue;
      const sizeLength = vintLength(scratch[idLength] ?? 0);
      if (sizeLength > 8) throw damaged('an element size is invalid');
      if (this.#scratchLength < idLength + sizeLength) continue;
      this.#scratchLength = 0;
      this.#open(unsigned(scratch, 0, idLength), vintValue(scratch, idLength, sizeLength));
      return at;
    }
    return at;
  }

  #open(id: number, size: number): void {
    if (!this.#started && id !== ID.ebml) throw damaged('it does not begin with an EBML header');
    this.#started = true;
    if (ENTERED.has(id)) {
      if (id === ID.trackEntry) this.#tracks.push({ number: 0, codecId: '', width: 0, height: 0, codecPrivate: null });
      return;
    }
    if (size === UNKNOWN_SIZE) throw damaged(`element 0x${id.toString(16)} has no size`);
    this.#id = id;
    this.#left = size;
    if (VALUES.has(id)) {
      if (size > MAX_VALUE_BYTES) throw damaged(`the value of element 0x${id.toString(16)} is too long`);
      this.#state = 'value';
    } else if (id === ID.simpleBlock || id === ID.block) {
      this.#state = 'block-header';
    } else if (id === ID.codecPrivate) {
      if (size > MAX_CODEC_PRIVATE_BYTES) throw damaged(`a track claims ${size} bytes of codec data`);
      this.#payload = new Uint8Array(size);
      this.#filled = 0;
      this.#state = 'payload';
    } else {
      this.#state = 'skip';
    }
  }

  #readValue(): void {
    const length = this.#scratchLength;
    this.#scratchLength = 0;
    this.#state = 'header';
    if (this.#id === ID.codecId) {
      const track = this.#tracks.at(-1);
      if (track !== undefined) track.codecId = String.fromCharCode(...this.#scratch.subarray(0, length)).replace(/\0.*$/s, '');
      return;
    }
    if (length > 8) throw damaged(`the number in element 0x${this.#id.toString(16)} is too long`);
    const value = unsigned(this.#scratch, 0, length);
    if (this.#id === ID.timestampScale) this.#timestampScaleNs = value;
    else if (this.#id === ID.timestamp) this.#clusterTimestamp = value;
    else {
      const track = this.#tracks.at(-1);
      if (track === undefined) return;
      if (this.#id === ID.trackNumber) track.number = value;
      else if (this.#id === ID.pixelWidth) track.width = value;
      else track.height = value;
    }
  }

  #readBlockHeader(chunk: Uint8Array, from: number): number {
    let at = from;
    if (this.#left === 0) throw damaged('a block is empty');
    while (at < chunk.length && this.#left > 0) {
      at = this.#gather(chunk, at, 1);
      const trackLength = vintLength(this.#scratch[0] ?? 0);
      if (trackLength > 8) throw damaged('a track number is invalid');
      // Track number, signed 16-bit time relative to the cluster, flags.
      if (this.#scratchLength < trackLength + 3) continue;
      const scratch = this.#scratch;
      this.#scratchLength = 0;
      if (((scratch[trackLength + 2] ?? 0) & 0x06) !== 0) throw damaged('a block is laced');
      const relative = (((scratch[trackLength] ?? 0) << 24) >> 16) | (scratch[trackLength + 1] ?? 0);
      if (this.#left > this.#maxPacketBytes) throw damaged(`a packet claims ${this.#left} bytes`);
      this.#track = vintValue(scratch, 0, trackLength);
      this.#keyframe = this.#id === ID.simpleBlock && ((scratch[trackLength + 2] ?? 0) & 0x80) !== 0;
      this.#ptsUs = Math.round(((this.#clusterTimestamp + relative) * this.#timestampScaleNs) / 1000);
      // Not zeroed: every byte is written before the packet is handed over.
      this.#payload = new Uint8Array(Buffer.allocUnsafeSlow(this.#left).buffer);
      this.#filled = 0;
      this.#state = 'payload';
      return at;
    }
    if (this.#left === 0) throw damaged('a block ends in its header');
    return at;
  }
}

/** Length in bytes that the first byte of an EBML variable-length integer announces; 9 when it announces none. */
function vintLength(first: number): number {
  return Math.clz32(first) - 23;
}

function vintValue(bytes: Uint8Array, at: number, length: number): number {
  const first = (bytes[at] ?? 0) & (0xff >> length);
  let allOnes = first === 0xff >> length;
  let value = first;
  for (let i = 1; i < length; i += 1) {
    const byte = bytes[at + i] ?? 0;
    allOnes &&= byte === 0xff;
    value = value * 256 + byte;
  }
  return allOnes ? UNKNOWN_SIZE : value;
}

function unsigned(bytes: Uint8Array, at: number, length: number): number {
  let value = 0;
  for (let i = 0; i < length; i += 1) value = value * 256 + (bytes[at + i] ?? 0);
  return value;
}

function damaged(what: string): MediaError {
  return new MediaError('matroska-damaged', `ffmpeg's output is not the Matroska it should be: ${what}.`, {
    remedy: 'Use another ffmpeg (--ffmpeg or FFMPEG_PATH) and report this with its version.',
  });
}
