import type { FrameMessage } from '../../src/server/protocol.js';

export interface DrawnFrame {
  readonly frame: Omit<FrameMessage, 'jpeg'>;
  readonly width: number;
  readonly height: number;
}

export interface Stage {
  /** Takes a frame in place of any that is still waiting. */
  show(frame: FrameMessage): void;
  clear(): void;
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
  let generation = 0;

  async function decodeNext(): Promise<void> {
    if (decoding || waiting === null) return;
    const frame = waiting;
    const born = generation;
    waiting = null;
    decoding = true;
    try {
      const bitmap = await createImageBitmap(new Blob([frame.jpeg as BlobPart], { type: 'image/jpeg' }));
      if (born !== generation) bitmap.close();
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
    const { width, height } = bitmap;
    bitmap.close();
    const { detection } = frame;
    canvas.dataset['frameId'] = String(frame.frameId);
    canvas.dataset['detectionFrameId'] = detection === null ? '' : String(detection.frameId);
    canvas.dataset['carried'] = String(detection?.carried ?? false);
    canvas.dataset['drawn'] = String(Number(canvas.dataset['drawn'] ?? 0) + 1);
    onDrawn({ frame, width, height });
    onDone(frame);
  }

  function forget(): void {
    generation += 1;
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
    clear: () => {
      forget();
      context?.clearRect(0, 0, canvas.width, canvas.height);
    },
    dispose: forget,
  };
}
