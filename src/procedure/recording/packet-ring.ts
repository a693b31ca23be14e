import type { RecordedPacket } from '../../capture/frame.js';

/** Longer than the tracker takes to say which frame was best, µs. */
const KEPT_US = 8_000_000;
const MAX_BYTES = 96 * 2 ** 20;

/** The newest packets of a recording, from a key frame on, for pictures of single frames. */
export class PacketRing {
  #packets: RecordedPacket[] = [];
  #bytes = 0;

  push(packet: RecordedPacket): void {
    const last = this.#packets.at(-1);
    if (last !== undefined && last.codec.configuration !== packet.codec.configuration) this.clear();
    if (this.#packets.length === 0 && !packet.keyframe) return;
    this.#packets.push(packet);
    this.#bytes += packet.data.length;
    const next = this.#packets.findIndex(({ keyframe }, at) => at > 0 && keyframe);
    const oldest = this.#packets[next];
    if (oldest !== undefined && (packet.ptsUs - oldest.ptsUs > KEPT_US || this.#bytes > MAX_BYTES)) {
      for (const { data } of this.#packets.splice(0, next)) this.#bytes -= data.length;
    }
  }

  /** What it takes to decode the frame of this time: its group of packets from the key frame on. Null where it is gone or never came. */
  group(ptsUs: number): readonly RecordedPacket[] | null {
    const own = this.#packets.findLastIndex((packet) => packet.ptsUs === ptsUs);
    if (own < 0) return null;
    const first = this.#packets.findLastIndex(({ keyframe }, at) => at <= own && keyframe);
    return first < 0 ? null : this.#packets.slice(first, own + 1);
  }

  /** Time of the newest frame, µs; null while there is none. */
  get newestPtsUs(): number | null {
    return this.#packets.at(-1)?.ptsUs ?? null;
  }

  clear(): void {
    this.#packets = [];
    this.#bytes = 0;
  }
}
