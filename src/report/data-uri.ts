/** Bytes of a picture as an address that needs no file. */
export function dataUri(bytes: Uint8Array, type: 'image/jpeg' | 'image/png' | 'image/webp' = 'image/jpeg'): string {
  return `data:${type};base64,${Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')}`;
}
