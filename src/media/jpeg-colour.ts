/** Marker segments, `FF xx`, then the length. */
const APP0 = 0xe0;
const APP14 = 0xee;
/** `Adobe`, version 100, no flags, transform 0: three components are red, green and blue (Adobe Technical Note 5116). */
const ADOBE_RGB = [0xff, APP14, 0x00, 0x0e, 0x41, 0x64, 0x6f, 0x62, 0x65, 0x00, 0x64, 0x00, 0x00, 0x00, 0x00, 0x00];

/**
 * Tells the decoder that the components of a JPEG are RGB, where the file around it says so: a decoder on its own takes three
 * components for luma and chroma. Markers that would say otherwise are left out.
 */
export function withoutColourTransform(jpeg: Uint8Array): Uint8Array<ArrayBuffer> {
  if (jpeg[0] !== 0xff || jpeg[1] !== 0xd8) return new Uint8Array(jpeg);
  const kept: Uint8Array[] = [];
  let at = 2;
  while (jpeg[at] === 0xff && ((jpeg[at + 1] ?? 0) & 0xf0) === 0xe0) {
    const end = at + 2 + (((jpeg[at + 2] ?? 0) << 8) | (jpeg[at + 3] ?? 0));
    const marker = jpeg[at + 1];
    if (marker !== APP0 && marker !== APP14) kept.push(jpeg.subarray(at, end));
    if (end <= at + 3) break;
    at = end;
  }
  return new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), Uint8Array.from(ADOBE_RGB), ...kept, jpeg.subarray(at)]));
}
