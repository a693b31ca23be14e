import type { FrameMessage } from '../../src/server/protocol.js';

export interface DrawnFrame {
  readonly frame: Omit<FrameMessage, 'jpeg'>;
  readonly width: number;
  readonly height: number;
}

export interface Stage {
  /** Takes a frame in place of any that is still waiting. */
  show(frame: FrameMessage): void;
  /** From now on only frames of this source are shown; what is there of another one goes. */
  follow(sourceId: string | null): void;
  dispose(): void;
}

interface Decoded {
  readonly frame: FrameMessage;
  readonly bitmap: ImageBitmap;
}

/**
 * Draws frames on a canvas: JPEGs are decoded off this thread, one at a time; of those waiting at either end only the newest
 * is kept. `onDrawn` is called in the same animation frame in which a frame is drawn, so that what belongs to it is shown with
 * it; `onDone` when a frame was drawn or given up.
 */
export function createStage(canvas: HTMLCanvasElement, onDrawn: (drawn: DrawnFrame) => void, onDone: (frame: FrameMessage) => void): Stage {
  const context = canvas.getContext('2d', { alpha: false });
  let waiting: FrameMessage | null = null;
  let decoding = false;
  let decoded: Decoded | null = null;
  let request = 0;
  let followed: string | null = null;
  let shown: string | null = null;

  async function decodeNext(): Promise<void> {
    if (decoding || waiting === null) return;
    const frame = waiting;
    waiting = null;
    decoding = true;
    try {
      const bitmap = await createImageBitmap(new Blob([frame.jpeg as BlobPart], { type: 'image/jpeg' }));
      if (foreign(frame)) bitmap.close();
      else {
        decoded?.bitmap.close();
        decoded = { frame, bitmap };
        request ||= requestAnimationFrame(draw);
      }
    } catch {
      // A damaged picture is skipped; the next one follows.
      onDone(frame);
    }
    decoding = false;
    void decodeNext();
  }

  function draw(): void {
    request = 0;
    if (decoded === null || context === null) return;
    const { frame, bitmap } = decoded;
    decoded = null;
    if (canvas.width !== bitmap.width || canvas.height !== bitmap.height) {
      canvas.width = bitmap.width;
      canvas.height = bitmap.height;
    }
    context.drawImage(bitmap, 0, 0);
    shown = frame.sourceId;
    const { width, height } = bitmap;
    bitmap.close();
    const { detection } = frame;
    canvas.dataset['frameId'] = String(frame.frameId);
    canvas.dataset['ptsUs'] = String(frame.ptsUs);
    canvas.dataset['detectionFrameId'] = detection === null ? '' : String(detection.frameId);
    canvas.dataset['carried'] = String(detection?.carried ?? false);
    canvas.dataset['drawn'] = String(Number(canvas.dataset['drawn'] ?? 0) + 1);
    onDrawn({ frame, width, height });
    onDone(frame);
  }

  function foreign(frame: FrameMessage): boolean {
    return followed !== null && frame.sourceId !== followed;
  }

  function drop(): void {
    waiting = null;
    decoded?.bitmap.close();
    decoded = null;
    cancelAnimationFrame(request);
    request = 0;
  }

  return {
    show: (frame) => {
      waiting = frame;
      void decodeNext();
    },
    follow: (sourceId) => {
      followed = sourceId;
      if ((waiting !== null && foreign(waiting)) || (decoded !== null && foreign(decoded.frame))) drop();
      // No picture of an earlier source may stand under the name of the next.
      if (shown !== null && shown !== sourceId) context?.clearRect(0, 0, canvas.width, canvas.height);
      if (shown !== sourceId) shown = null;
    },
    dispose: drop,
  };
}
