import sharp from 'sharp';

const WIDTH = 320;
const HEIGHT = 256;
const BITS = 8;
const CELL = 32;

/** `count` moving pictures as JPEG; each carries its number in a row of black and white cells, to be read off a canvas. */
export function numberedPictures(count: number): Promise<Uint8Array[]> {
  return Promise.all(Array.from({ length: count }, (_, number) => numberedPicture(number)));
}

async function numberedPicture(number: number): Promise<Uint8Array> {
  const pixels = Buffer.alloc(WIDTH * HEIGHT * 3);
  for (let y = 0; y < HEIGHT; y += 1) {
    for (let x = 0; x < WIDTH; x += 1) {
      const bit = Math.floor(x / CELL);
      const inCells = y < CELL && bit < BITS;
      const level = inCells ? ((number >> bit) & 1) * 255 : 90 + 60 * Math.sin((x + 5 * number) / 30) * Math.cos(y / 40);
      pixels.set(inCells ? [level, level, level] : [level * 1.5, level * 0.7, level * 0.5], (y * WIDTH + x) * 3);
    }
  }
  return new Uint8Array(
    await sharp(pixels, { raw: { width: WIDTH, height: HEIGHT, channels: 3 } })
      .jpeg({ quality: 90 })
      .toBuffer(),
  );
}

/** What a canvas shows, and what its attributes say of it, taken in one animation frame. Runs in the page. */
export interface Sample {
  /** Number that is read from the picture. */
  pictured: number;
  frameId: number;
  /** Null before the first detection. */
  detectionFrameId: number | null;
  carried: boolean;
}

/** Collects what the page draws, one sample per drawn frame. To be handed to `page.evaluate`. */
export function collectSamples(count: number): Promise<Sample[]> {
  return new Promise((resolve) => {
    const samples: Sample[] = [];
    let drawn = '';
    const look = (): void => {
      const canvas = document.querySelector('canvas');
      const context = canvas?.getContext('2d');
      if (canvas !== null && context && canvas.dataset['drawn'] !== undefined && canvas.dataset['drawn'] !== drawn) {
        drawn = canvas.dataset['drawn'];
        let pictured = 0;
        for (let bit = 0; bit < 8; bit += 1) if ((context.getImageData(bit * 32 + 16, 16, 1, 1).data[0] ?? 0) > 127) pictured += 1 << bit;
        const { frameId, detectionFrameId, carried } = canvas.dataset;
        samples.push({
          pictured,
          frameId: Number(frameId),
          detectionFrameId: detectionFrameId === '' ? null : Number(detectionFrameId),
          carried: carried === 'true',
        });
      }
      if (samples.length < count) requestAnimationFrame(look);
      else resolve(samples);
    };
    look();
  });
}
