import { openFileSink, type ByteSink, type OpenSink } from '../../src/procedure/recording/byte-queue.js';

/** A file that takes so many bytes, then says what a full disk says: always, or once, as when room is made. */
export const fullAfter =
  (bytes: number, { once = false } = {}): OpenSink =>
  async (path) => {
    const sink = await openFileSink(path);
    let [left, isFull] = [bytes, true];
    const append: ByteSink['append'] = async (piece) => {
      if (isFull && piece.length > left) {
        await sink.append(piece.subarray(0, left));
        isFull = !once;
        throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
      }
      await sink.append(piece);
      left -= piece.length;
    };
    return { ...sink, append };
  };
