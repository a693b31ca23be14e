/** Blurs of linear RGB pictures, in place. */

/** Nearly Gaussian blur of about `radiusPx`: three box blurs in each direction. */
export function defocus(light: Float32Array, width: number, height: number, radiusPx: number): void {
  const reach = Math.round(radiusPx * 0.6);
  if (reach < 1) return;
  const scratch = new Float32Array(Math.max(width, height) * 3);
  for (let round = 0; round < 3; round++) {
    for (let y = 0; y < height; y++) boxLine(light, y * width * 3, 3, width, reach, scratch);
    for (let x = 0; x < width; x++) boxLine(light, x * 3, width * 3, height, reach, scratch);
  }
}

/** Smears along (`dx`, `dy`) px, as a picture moves during its exposure. */
export function smear(light: Float32Array, width: number, height: number, dx: number, dy: number): void {
  const taps = Math.min(24, Math.max(2, Math.ceil(Math.hypot(dx, dy))));
  const before = Float32Array.from(light);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let red = 0;
      let green = 0;
      let blue = 0;
      for (let tap = 0; tap <= taps; tap++) {
        const part = tap / taps - 0.5;
        const sx = Math.max(0, Math.min(width - 1, Math.round(x + part * dx)));
        const sy = Math.max(0, Math.min(height - 1, Math.round(y + part * dy)));
        const from = (sy * width + sx) * 3;
        red += before[from] as number;
        green += before[from + 1] as number;
        blue += before[from + 2] as number;
      }
      const to = (y * width + x) * 3;
      light[to] = red / (taps + 1);
      light[to + 1] = green / (taps + 1);
      light[to + 2] = blue / (taps + 1);
    }
  }
}

function boxLine(light: Float32Array, start: number, stride: number, count: number, reach: number, scratch: Float32Array): void {
  const last = count - 1;
  const weight = 1 / (2 * reach + 1);
  for (let channel = 0; channel < 3; channel++) {
    const base = start + channel;
    let sum = 0;
    for (let offset = -reach; offset <= reach; offset++) sum += light[base + clamp(offset, last) * stride] as number;
    for (let index = 0; index < count; index++) {
      scratch[index] = sum * weight;
      sum +=
        (light[base + clamp(index + reach + 1, last) * stride] as number) - (light[base + clamp(index - reach, last) * stride] as number);
    }
    for (let index = 0; index < count; index++) light[base + index * stride] = scratch[index] as number;
  }
}

function clamp(index: number, last: number): number {
  return index < 0 ? 0 : index > last ? last : index;
}
