import { execFile } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { AnalysisFrame } from '../../src/capture/frame.js';
import { openSource } from '../../src/capture/source.js';
import type { Embedder } from '../../src/inference/embedder.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { decodeStill, squashStill } from '../../src/media/stills.js';
import { openModel } from '../../src/models/registry.js';
import { openGallery, type Gallery } from '../../src/retrieval/gallery.js';
import { describeWithShared, sharedPath } from '../support/shared.js';
import { temporaryFolder } from '../support/temporary.js';

const DEMO_GALLERY = fileURLToPath(new URL('../../models/demo/gallery', import.meta.url));

describeWithShared('a picture as a still and as lossless video', () => {
  const folder = temporaryFolder();
  let gallery: Gallery;
  let embedder: Embedder;

  beforeAll(async () => {
    gallery = await openGallery(DEMO_GALLERY, { model: await openModel('descriptors') });
    embedder = await createEmbedder(gallery.model, { device: 'cpu' });
  });
  afterAll(() => embedder.dispose());

  async function embed(pixels: Uint8Array<ArrayBuffer>): Promise<Float32Array> {
    return (await embedder.embed({ count: 1, ...gallery.model.input, pixels })).embeddings;
  }

  async function frameOf(video: string): Promise<AnalysisFrame> {
    const source = await openSource({
      id: 'still',
      source: video,
      analysis: { ...gallery.model.input, fps: null },
      preview: null,
      pace: 'fast',
      fieldOfView: 'none',
    });
    try {
      for await (const event of source) if (event.type === 'analysis') return event;
    } finally {
      await source.dispose();
    }
    throw new Error('the video has no frame');
  }

  const pictures = (): string[] => readdirSync(sharedPath('fixtures/inputs')).filter((name) => name.endsWith('.png'));

  it('embeds alike: cosine at least 0.999 for each picture', async () => {
    const { path } = await findFfmpeg();
    const cosines: number[] = [];
    for (const name of pictures()) {
      const picture = sharedPath('fixtures/inputs', name);
      const video = join(folder, `${name}.mkv`);
      await promisify(execFile)(path, [
        '-v',
        'error',
        '-y',
        '-loop',
        '1',
        '-i',
        picture,
        '-frames:v',
        '3',
        '-c:v',
        'ffv1',
        '-pix_fmt',
        'bgr0',
        video,
      ]);
      const still = await squashStill(await decodeStill(picture), null, gallery.model.input);
      const [a, b] = [await embed(still), await embed((await frameOf(video)).pixels)];
      cosines.push(a.reduce((sum, value, i) => sum + value * b[i]!, 0));
    }
    expect(cosines).toHaveLength(8);
    for (const cosine of cosines) expect(cosine).toBeGreaterThanOrEqual(0.999);
  });
});
