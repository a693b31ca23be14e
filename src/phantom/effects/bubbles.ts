import { between, randomStream } from '../random.js';
import type { Pose, Renderer } from '../render.js';
import { add, dot, normalize, rotate, scale, subtract, type Vector } from '../vector.js';

/** A bubble of foam that sticks to the wall. */
export interface Bubble {
  readonly at: Vector;
  readonly radiusMm: number;
}

/** Foam as it lies on the wall that a pose sees: clusters of bubbles, small ones most. */
export function foam(renderer: Renderer, pose: Pose, seed: number, strength: number): Bubble[] {
  const random = randomStream(seed, 'foam');
  const bubbles: Bubble[] = [];
  const clusters = 2 + Math.round(strength * 3);
  for (let cluster = 0; cluster < clusters; cluster++) {
    const yaw = between(random, -0.9, 0.9);
    const pitch = between(random, -0.8, 0.8);
    const spread = between(random, 0.1, 0.28);
    const count = Math.round(between(random, 20, 55) * strength);
    for (let index = 0; index < count; index++) {
      const direction = rotate(
        pose.orientation,
        normalize([yaw + spread * (random() + random() - 1) * 1.6, pitch + spread * (random() + random() - 1) * 1.6, 1]),
      );
      const distance = renderer.sight(pose.position, direction);
      const radiusMm = 0.25 + 1.1 * random() ** 3;
      if (distance < 4 || distance > 90) continue;
      bubbles.push({ at: add(pose.position, scale(direction, distance - radiusMm * 0.4)), radiusMm });
    }
  }
  return bubbles;
}

export interface View {
  readonly width: number;
  readonly height: number;
  readonly pixelRad: number;
}

/** Draws bubbles where nothing stands before them: a bright rim, a clear middle, one glint each. */
export function drawBubbles(
  bubbles: readonly Bubble[],
  pose: Pose,
  view: View,
  light: Float32Array,
  depth: Float32Array,
  amount: number,
): void {
  const right = rotate(pose.orientation, [-1, 0, 0]);
  const up = rotate(pose.orientation, [0, 1, 0]);
  const forward = rotate(pose.orientation, [0, 0, 1]);
  const { width, height, pixelRad } = view;
  for (const { at, radiusMm } of bubbles) {
    const away = subtract(at, pose.position);
    const distance = Math.sqrt(dot(away, away));
    const ahead = dot(away, forward) / distance;
    const x = dot(away, right) / distance;
    const y = dot(away, up) / distance;
    const across = Math.hypot(x, y);
    const angle = Math.atan2(across, ahead);
    if (angle > 1.4 || distance < 2) continue;
    const cx = width / 2 + (across > 0 ? (x / across) * (angle / pixelRad) : 0);
    const cy = height / 2 - (across > 0 ? (y / across) * (angle / pixelRad) : 0);
    const radius = Math.min(24, radiusMm / distance / pixelRad);
    if (radius < 0.7) continue;
    const shine = (amount * 260) / (180 + distance * distance);
    const reach = Math.ceil(radius + 1);
    for (let py = Math.max(0, Math.floor(cy - reach)); py <= Math.min(height - 1, cy + reach); py++) {
      for (let px = Math.max(0, Math.floor(cx - reach)); px <= Math.min(width - 1, cx + reach); px++) {
        const index = py * width + px;
        if ((depth[index] as number) < distance - 3) continue;
        const dx = (px + 0.5 - cx) / radius;
        const dy = (py + 0.5 - cy) / radius;
        const ratio = Math.sqrt(dx * dx + dy * dy);
        const soft = 0.8 / radius;
        const inside = Math.max(0, Math.min(1, (1 + soft - ratio) / (2 * soft)));
        if (inside === 0) continue;
        const rim = Math.exp(-(((ratio - 0.86) / (0.12 + soft * 0.5)) ** 2));
        const glint = Math.exp(-((dx + 0.3) ** 2 + (dy + 0.35) ** 2) / (0.02 + soft * soft * 0.3));
        for (let channel = 0; channel < 3; channel++) {
          const value = light[index * 3 + channel] as number;
          light[index * 3 + channel] = value * (1 - 0.12 * inside * amount) + inside * shine * (0.2 * rim + 0.9 * glint);
        }
      }
    }
  }
}
