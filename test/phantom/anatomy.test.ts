import { describe, expect, it } from 'vitest';
import { classInfo } from '../../src/common/landmarks.js';
import { anatomyOf } from '../../src/phantom/anatomies.js';
import { makeLens } from '../../src/phantom/lens.js';
import { Renderer } from '../../src/phantom/render.js';
import { STILL_CLASSES } from '../../src/phantom/stills.js';
import { add, lookRotation, rotate, scale } from '../../src/phantom/vector.js';

const lens = makeLens({ width: 48, height: 48, aperture: 'circle', diagonalDeg: 140, vignetting: 0 });
const light = { halfMm: 12, glint: 1, film: 0.5, ambient: 0.3 };

describe.each(['upper', 'lower'] as const)('the %s tract', (tract) => {
  const patients = [1, 2, 3].map((seed) => ({ seed, anatomy: anatomyOf(tract, seed) }));

  it('has a station for each of its classes, and each is a landmark of that tract', () => {
    for (const { anatomy } of patients) {
      expect([...anatomy.stations.keys()].sort()).toEqual([...STILL_CLASSES[tract]].sort());
      for (const landmark of anatomy.stations.keys()) expect(classInfo(landmark)).toMatchObject({ kind: 'landmark', tract });
    }
  });

  it('has its stations inside the lumen, with room for a tip and something to see', () => {
    for (const { anatomy, seed } of patients) {
      const renderer = new Renderer(anatomy.scene(), lens, light);
      for (const { landmark, position, look } of anatomy.stations.values()) {
        expect(renderer.clearance(position), `${landmark} of patient ${seed}`).toBeGreaterThan(2.6);
        expect(renderer.sight(position, look), `${landmark} of patient ${seed}`).toBeGreaterThan(6);
      }
    }
  });

  it('stops every ray at the wall: what lies just behind the hit is outside', () => {
    const { anatomy } = patients[0]!;
    const renderer = new Renderer(anatomy.scene(), lens, light);
    for (const { landmark, position, look, up } of anatomy.stations.values()) {
      const turn = lookRotation(look, up);
      for (const [x, y] of [
        [0, 0],
        [0.5, 0.2],
        [-0.4, 0.6],
        [0.9, -0.3],
      ] as const) {
        const direction = rotate(turn, [x, y, Math.sqrt(Math.max(0, 1 - x * x - y * y))]);
        const distance = renderer.sight(position, direction);
        expect(renderer.clearance(add(position, scale(direction, distance - 0.6))), landmark).toBeGreaterThan(-0.05);
        // The wall between two lumens may be thin, but it is there.
        const behind = [0.05, 0.2, 0.4, 0.6].map((deeper) => renderer.clearance(add(position, scale(direction, distance + deeper))));
        expect(Math.min(...behind), landmark).toBeLessThan(0.05);
      }
    }
  });

  it('differs from patient to patient in shape', () => {
    const sights = patients.map(({ anatomy }) => {
      const renderer = new Renderer(anatomy.scene(), lens, light);
      return [...anatomy.stations.values()].map(({ position, look }) => renderer.sight(position, look));
    });
    for (const [index, sight] of sights[0]!.entries()) expect(new Set([sight, sights[1]![index], sights[2]![index]]).size).toBe(3);
  });
});
