import type { RecordedPacket } from '../../capture/frame.js';
import { MediaError } from '../../common/errors.js';
import { cutFrame } from '../../media/cut-frame.js';
import type { Ffmpeg } from '../../media/ffmpeg.js';
import { DecodeTimes } from './decode-times.js';
import { PacketRing } from './packet-ring.js';

/** The packets from which one frame can be decoded, held until it is. */
export interface HeldFrame {
  readonly ptsUs: number;
  readonly packets: readonly RecordedPacket[];
}

/**
 * Full-size pictures of frames that were recorded, cut from the very packets that go into the file: exact, and without waiting for the disk.
 * One at a time, since each takes a process and the live picture has the right of way.
 */
export class StillCutter {
  readonly #ffmpeg: Pick<Ffmpeg, 'path'>;
  readonly #reorder: number;
  readonly #ring = new PacketRing();
  #busy: Promise<unknown> = Promise.resolve();

  constructor(ffmpeg: Pick<Ffmpeg, 'path'>, reorder: number) {
    this.#ffmpeg = ffmpeg;
    this.#reorder = reorder;
  }

  /** Time of the newest frame, µs; null while there is none. */
  get newestPtsUs(): number | null {
    return this.#ring.newestPtsUs;
  }

  push(packet: RecordedPacket): void {
    this.#ring.push(packet);
  }

  /** Null where the frame is older than some seconds, or was never recorded. */
  hold(ptsUs: number): HeldFrame | null {
    const packets = this.#ring.group(ptsUs);
    return packets === null ? null : { ptsUs, packets };
  }

  /** @throws MediaError `still-failed` */
  cut({ ptsUs, packets }: HeldFrame): Promise<Buffer> {
    const cut = this.#busy.then(() => {
      const [first] = packets;
      if (first === undefined) throw new MediaError('still-failed', 'The still has no frame.');
      const { codec, width, height } = first;
      const times = new DecodeTimes(this.#reorder);
      const samples = [...packets.flatMap((packet) => times.push(packet, first.ptsUs)), ...times.flush()];
      const track = { codec: codec.name, configuration: codec.configuration, width, height };
      return cutFrame(this.#ffmpeg, track, samples, (ptsUs - first.ptsUs) / 1000);
    });
    this.#busy = cut.catch(() => undefined);
    return cut;
  }
}
