/** What ffmpeg's `showinfo` filter says of a decoded picture: true for every input and every release, unlike the stream headers. */
export interface PictureShape {
  /** Stored pixels, after the rotation that the file asks for. */
  readonly width: number;
  readonly height: number;
  /** Width of a pixel over its height; 1 where the source says nothing. */
  readonly pixelAspect: number;
  /** Whether the picture is flagged as two fields. */
  readonly interlaced: boolean;
  /** ffmpeg's name, `yuv420p`. */
  readonly pixelFormat: string;
}

/** Reads one line of stderr; null when it is not one of `showinfo`'s. */
export function parseShowinfo(line: string): PictureShape | null {
  const match = /showinfo.* fmt:(\S+).* sar:(\d+)\/(\d+) s:(\d+)x(\d+) i:([PTB])/.exec(line);
  if (match === null) return null;
  const [, pixelFormat = '', numerator, denominator, width, height, field] = match;
  const aspect = Number(numerator) / Number(denominator);
  return {
    width: Number(width),
    height: Number(height),
    pixelAspect: Number.isFinite(aspect) && aspect > 0 ? aspect : 1,
    interlaced: field !== 'P',
    pixelFormat,
  };
}
