import { describe, expect, it } from 'vitest';
import { CLASSES } from '../../src/common/landmarks.js';
import { stepsBetween } from '../../src/tracking/anatomy-graph.js';

function steps(landmarks: readonly string[], from: string, to: string): number {
  return stepsBetween(landmarks)[landmarks.indexOf(from)]![landmarks.indexOf(to)]!;
}

describe('steps between landmarks', () => {
  const upper = ['z-line', 'stomach-body', 'antrum', 'pylorus', 'duodenal-bulb', 'duodenum'];

  it('counts the landmarks that the scope comes to, the last included', () => {
    expect(steps(upper, 'antrum', 'antrum')).toBe(0);
    expect(steps(upper, 'antrum', 'pylorus')).toBe(1);
    expect(steps(upper, 'pylorus', 'antrum')).toBe(1);
    expect(steps(upper, 'antrum', 'duodenum')).toBe(3);
    expect(steps(upper, 'stomach-body', 'duodenum')).toBe(4);
  });

  it('passes places that the gallery does not show', () => {
    expect(steps(['antrum', 'duodenum'], 'antrum', 'duodenum')).toBe(1);
    expect(steps(['descending-colon', 'transverse-colon'], 'descending-colon', 'transverse-colon')).toBe(1);
    expect(steps(['descending-colon', 'splenic-flexure', 'transverse-colon'], 'descending-colon', 'transverse-colon')).toBe(2);
  });

  it('places a narrow class where its wider one is, and takes what it does not know for a neighbour of all', () => {
    const stations = ['antrum-anterior', 'antrum-greater', 'lower-body-lesser', 'duodenum', 'our-own-place', 'stomach'];
    expect(steps(stations, 'antrum-anterior', 'antrum-greater')).toBe(1);
    expect(steps(stations, 'antrum-anterior', 'lower-body-lesser')).toBe(1);
    expect(steps(stations, 'lower-body-lesser', 'duodenum')).toBe(2);
    for (const label of stations.slice(0, 4)) {
      expect(steps(stations, label, 'our-own-place')).toBe(1);
      expect(steps(stations, 'stomach', label)).toBe(1);
    }
  });

  it('knows no way between tracts, and a way between any two places of one', () => {
    expect(steps(['antrum', 'cecum'], 'antrum', 'cecum')).toBe(Infinity);
    for (const tract of ['upper', 'lower'] as const) {
      const landmarks = CLASSES.filter((entry) => entry.kind === 'landmark' && entry.tract === tract).map(({ id }) => id);
      for (const row of stepsBetween(landmarks)) for (const count of row) expect(count).toBeLessThan(landmarks.length);
    }
  });
});
