import { createHash } from 'node:crypto';
import { createProcedure, type PhantomFrame } from '../../src/phantom/frames.js';
import type { ProcedureOptions } from '../../src/phantom/procedure.js';

/** Small and undisturbed, so that a frame takes a few milliseconds. */
export const SMALL: ProcedureOptions = { tract: 'upper', seed: 4, durationS: 60, width: 96, height: 96, fps: 5, disturbances: [] };

export async function draw(options: ProcedureOptions, frames: readonly number[], threads = 0): Promise<PhantomFrame[]> {
  const drawn: PhantomFrame[] = [];
  for await (const frame of createProcedure(options).render({ frames, threads })) drawn.push(frame);
  return drawn;
}

export function hashOf(frames: readonly PhantomFrame[]): string {
  const hash = createHash('sha256');
  for (const { pixels } of frames) hash.update(pixels);
  return hash.digest('hex');
}

/** Mean absolute difference of two pictures, 0…255. */
export function difference(a: Uint8ClampedArray, b: Uint8ClampedArray): number {
  let sum = 0;
  for (let index = 0; index < a.length; index++) sum += Math.abs(a[index]! - b[index]!);
  return sum / a.length;
}
