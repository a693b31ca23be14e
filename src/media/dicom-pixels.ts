/** How the samples of an uncompressed DICOM picture are stored; names as in DICOM PS3.3 C.7.6.3. */
export interface PixelLayout {
  readonly rows: number;
  readonly columns: number;
  readonly samplesPerPixel: 1 | 3;
  readonly photometric: Photometric;
  /** Samples of a pixel side by side (0) or one plane after the other (1). */
  readonly planar: 0 | 1;
  readonly bitsAllocated: 8 | 16;
  readonly bitsStored: number;
  readonly signed: boolean;
  /** Order of the bytes of 16-bit samples. */
  readonly bigEndian: boolean;
  readonly palette: Palette | null;
  /** Grey levels that become black and white; null: the whole range that is stored. */
  readonly window: { readonly from: number; readonly to: number } | null;
}

export const PHOTOMETRICS = ['RGB', 'YBR_FULL', 'YBR_FULL_422', 'MONOCHROME1', 'MONOCHROME2', 'PALETTE COLOR'] as const;
export type Photometric = (typeof PHOTOMETRICS)[number];

/** Lookup tables of a palette, 8 bit; the first entry stands for the stored value `first`. */
export interface Palette {
  readonly first: number;
  readonly red: Uint8Array;
  readonly green: Uint8Array;
  readonly blue: Uint8Array;
}

/** Bytes that one frame takes. */
export function frameBytes({ rows, columns, samplesPerPixel, photometric, bitsAllocated }: PixelLayout): number {
  const samples = photometric === 'YBR_FULL_422' ? 2 : samplesPerPixel;
  return (rows * columns * samples * bitsAllocated) / 8;
}

/** Stored samples of one frame → RGB `[rows, columns, 3]`. */
export function rgbOfSamples(bytes: Uint8Array, layout: PixelLayout): Uint8Array<ArrayBuffer> {
  const pixels = new Uint8Array(layout.rows * layout.columns * 3);
  if (layout.samplesPerPixel === 1) grey(bytes, layout, pixels);
  else colour(bytes, layout, pixels);
  return pixels;
}

function colour(bytes: Uint8Array, layout: PixelLayout, pixels: Uint8Array): void {
  const { planar, photometric, bitsAllocated, bitsStored } = layout;
  const count = pixels.length / 3;
  const sample = reader(bytes, layout);
  // Colour of more than 8 bits keeps its upper ones.
  const shift = bitsAllocated === 8 ? 0 : Math.max(0, bitsStored - 8);
  for (let pixel = 0; pixel < count; pixel++) {
    const [a, b, c] =
      photometric === 'YBR_FULL_422'
        ? [pixel * 2 - (pixel & 1), (pixel & ~1) * 2 + 2, (pixel & ~1) * 2 + 3]
        : planar === 1
          ? [pixel, count + pixel, 2 * count + pixel]
          : [pixel * 3, pixel * 3 + 1, pixel * 3 + 2];
    const [x, y, z] = [sample(a) >> shift, sample(b) >> shift, sample(c) >> shift];
    if (photometric === 'RGB') pixels.set([x, y, z], pixel * 3);
    else pixels.set(fromYbr(x, y, z), pixel * 3);
  }
}

/** Full-range luma and chroma to RGB (PS3.3 C.7.6.3.1.2, ITU-R BT.601). */
function fromYbr(y: number, cb: number, cr: number): [number, number, number] {
  const [blue, red] = [cb - 128, cr - 128];
  return [clamp(y + 1.402 * red), clamp(y - 0.344136 * blue - 0.714136 * red), clamp(y + 1.772 * blue)];
}

function grey(bytes: Uint8Array, layout: PixelLayout, pixels: Uint8Array): void {
  const { palette, photometric, bitsStored, signed } = layout;
  const sample = reader(bytes, layout);
  const count = pixels.length / 3;
  if (palette !== null) {
    for (let pixel = 0; pixel < count; pixel++) {
      const entry = Math.max(0, Math.min(palette.red.length - 1, sample(pixel) - palette.first));
      pixels.set([palette.red[entry] ?? 0, palette.green[entry] ?? 0, palette.blue[entry] ?? 0], pixel * 3);
    }
    return;
  }
  const range = 2 ** bitsStored;
  const { from, to } = layout.window ?? { from: signed ? -range / 2 : 0, to: (signed ? range / 2 : range) - 1 };
  for (let pixel = 0; pixel < count; pixel++) {
    const level = clamp(((sample(pixel) - from) / Math.max(1, to - from)) * 255);
    pixels.fill(photometric === 'MONOCHROME1' ? 255 - level : level, pixel * 3, pixel * 3 + 3);
  }
}

function reader(bytes: Uint8Array, { bitsAllocated, bitsStored, signed, bigEndian }: PixelLayout): (at: number) => number {
  if (bitsAllocated === 8) return signed ? (at) => ((bytes[at] ?? 0) << 24) >> 24 : (at) => bytes[at] ?? 0;
  const [low, high] = bigEndian ? [1, 0] : [0, 1];
  const unused = 32 - bitsStored;
  return (at) => {
    const value = (bytes[2 * at + low] ?? 0) | ((bytes[2 * at + high] ?? 0) << 8);
    // Bits above those stored may hold an overlay.
    return signed ? (value << unused) >> unused : (value << unused) >>> unused;
  };
}

function clamp(value: number): number {
  return Math.max(0, Math.min(255, Math.round(value)));
}
