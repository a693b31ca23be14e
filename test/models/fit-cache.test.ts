import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { withFitCache } from '../../src/models/fit-cache.js';
import type { FittableModel } from '../../src/models/model.js';
import { centredColourModel, temporaryFolder } from '../retrieval/support.js';

const FEATURES = { colour: Float32Array.from({ length: 96 }, (_, at) => at / 7) };

describe('withFitCache', () => {
  it('fits once for the same features, labels and model, and again for others or for a damaged file', async () => {
    const folder = join(await temporaryFolder(), 'statistics');
    let fits = 0;
    const counting = (): FittableModel => {
      const model = centredColourModel();
      return withFitCache(
        {
          ...model,
          fit(features, labels) {
            fits += 1;
            return model.fit(features, labels);
          },
        },
        folder,
      );
    };
    const first = counting().fit(FEATURES, ['a', 'b']);
    expect(counting().fit(FEATURES, ['a', 'b'])).toEqual(first);
    expect(fits).toBe(1);
    counting().fit(FEATURES, ['b', 'a']);
    counting().fit({ colour: FEATURES.colour.map((value) => value + 1) }, ['a', 'b']);
    expect(fits).toBe(3);

    for (const name of readdirSync(folder)) {
      const bytes = readFileSync(join(folder, name));
      bytes[5] = bytes[5]! ^ 1;
      writeFileSync(join(folder, name), bytes);
    }
    expect(counting().fit(FEATURES, ['a', 'b'])).toEqual(first);
    expect(fits).toBe(4);
  });

  it('fits where nothing can be kept', async () => {
    const folder = join(await temporaryFolder(), 'file');
    mkdirSync(join(folder, '..'), { recursive: true });
    writeFileSync(folder, 'in the way');
    expect(withFitCache(centredColourModel(), folder).fit(FEATURES, ['a', 'b'])).toEqual(centredColourModel().fit(FEATURES, ['a', 'b']));
  });
});
