/**
 * Decodes one frame of DICOM RLE (PS3.5 annex G): a header of 16 numbers, then one PackBits segment per byte plane, the most
 * significant byte of the first sample first.
 * @param planeBytes Bytes of a plane: rows × columns.
 * @returns The planes one after the other; samples of 16 bits with their bytes in little-endian order.
 * @throws RangeError when a segment is missing or too short.
 */
export function decodeRle(bytes: Uint8Array, planeBytes: number, samples: number, bytesPerSample: 1 | 2): Uint8Array {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const expected = samples * bytesPerSample;
  const segments = bytes.length < 64 ? 0 : view.getUint32(0, true);
  if (segments !== expected) throw new RangeError(`${segments} RLE segments instead of ${expected}`);
  const frame = new Uint8Array(planeBytes * expected);
  for (let segment = 0; segment < segments; segment++) {
    const from = view.getUint32(4 + 4 * segment, true);
    const to = segment + 1 < segments ? view.getUint32(8 + 4 * segment, true) : bytes.length;
    const plane = unpackBits(bytes.subarray(from, to), planeBytes);
    const sample = Math.floor(segment / bytesPerSample);
    const byte = bytesPerSample - 1 - (segment % bytesPerSample);
    const start = sample * planeBytes * bytesPerSample + byte;
    if (bytesPerSample === 1) frame.set(plane, start);
    else plane.forEach((value, at) => (frame[start + at * bytesPerSample] = value));
  }
  return frame;
}

function unpackBits(packed: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  let at = 0;
  let filled = 0;
  while (filled < size && at < packed.length) {
    const header = ((packed[at++] ?? 0) << 24) >> 24;
    if (header === -128) continue;
    if (header >= 0) {
      const literal = packed.subarray(at, at + Math.min(header + 1, size - filled));
      out.set(literal, filled);
      at += header + 1;
      filled += literal.length;
      if (literal.length === 0) break;
    } else {
      const run = Math.min(1 - header, size - filled);
      out.fill(packed[at++] ?? 0, filled, filled + run);
      filled += run;
    }
  }
  if (filled < size) throw new RangeError(`an RLE segment holds ${filled} of ${size} bytes`);
  return out;
}
