import { describe, expect, it } from 'vitest';
import { anatomyOf } from '../../src/phantom/anatomies.js';
import { makeLens } from '../../src/phantom/lens.js';
import { Renderer } from '../../src/phantom/render.js';
import { shaftRods } from '../../src/phantom/shaft.js';
import { dot, lookRotation, subtract } from '../../src/phantom/vector.js';

describe('the shaft of a scope that looks back', () => {
  it.each([
    ['upper', 'body-retroflex'],
    ['upper', 'cardia-retroflex'],
    ['lower', 'retroflex-rectum'],
  ] as const)('lies in the hollow from its entry to beside the lens (%s, %s)', (tract, landmark) => {
    for (const seed of [1002, 1015]) {
      const anatomy = anatomyOf(tract, seed);
      const lens = makeLens({ width: 48, height: 48, aperture: 'circle', diagonalDeg: 140, vignetting: 0 });
      const renderer = new Renderer(anatomy.scene(), lens, { halfMm: 12, glint: 1, film: 0.5, ambient: 0.3 });
      const { position, look, up } = anatomy.stations.get(landmark)!;
      const pose = { position, orientation: lookRotation(look, up) };
      const entry = anatomy.shaftEntry(position, look)!;
      const rods = shaftRods(entry.at, entry.inward, pose, (point) => renderer.clearance(point));
      // In one piece: a shaft of which a piece is missing or in the wall looks cut off.
      for (let index = 1; index < rods.length; index++) expect(rods[index]!.from).toEqual(rods[index - 1]!.to);
      const distance = Math.hypot(...subtract(entry.at, position));
      const inView = rods.map(({ to }) => to).filter((to) => dot(subtract(to, position), look) > 0);
      expect(inView.length).toBeGreaterThan(3);
      for (const point of inView) {
        if (dot(subtract(point, position), look) > 0.8 * distance) continue;
        expect(renderer.clearance(point), `${landmark} of patient ${seed}`).toBeGreaterThan(0);
      }
    }
  });
});
