import { describe, expect, it, vi } from 'vitest';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import type { Model } from '../../src/models/model.js';

/** Stands in for the worker: loads, answers nothing, and dies of the third request. */
const DYING_WORKER = `
  import { parentPort } from 'node:worker_threads';
  let requests = 0;
  parentPort.on('message', () => {
    requests += 1;
    if (requests === 3) throw new Error('out of memory');
  });
  parentPort.postMessage({ type: 'ready' });
`;
const EARLY_DEATH = `process.exit(7);`;
const script = vi.hoisted(() => ({ text: '' }));
vi.mock('../../src/common/worker-url.js', () => ({
  workerUrl: () => new URL(`data:text/javascript,${encodeURIComponent(script.text)}`),
}));

const model: Model = {
  name: 'stand-in',
  fingerprint: '0',
  graph: new Uint8Array(),
  input: { width: 1, height: 1 },
  dimension: 1,
  backbones: [],
  parts: [],
};
const picture = () => ({ count: 1, width: 1, height: 1, pixels: new Uint8Array(3) });

describe('a worker that dies', () => {
  it('fails every call that waits, and all later ones, with the cause', async () => {
    script.text = DYING_WORKER;
    const embedder = await createEmbedder(model, { device: 'cpu' });
    const calls = await Promise.allSettled([embedder.embed(picture()), embedder.embed(picture()), embedder.embed(picture())]);
    for (const call of calls) {
      expect(call).toMatchObject({
        status: 'rejected',
        reason: { code: 'inference-crashed', message: expect.stringContaining('out of memory') as string },
      });
    }
    await expect(embedder.embed(picture())).rejects.toMatchObject({ code: 'inference-crashed' });
    await embedder.dispose();
  });

  it('fails the start when it dies before the model is loaded', async () => {
    script.text = EARLY_DEATH;
    await expect(createEmbedder(model, { device: 'cpu' })).rejects.toMatchObject({ code: 'inference-crashed' });
  });
});
