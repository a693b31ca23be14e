import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { probeInput } from '../../src/media/probe.js';
import { decodeStill } from '../../src/media/stills.js';
import { descriptors } from '../../src/models/descriptors/descriptors.js';
import { STILL_CLASSES, writeStills } from '../../src/phantom/stills.js';
import { parseTruth, visitsOf } from '../../src/phantom/truth.js';
import { openGallery } from '../../src/retrieval/gallery.js';

const DEMO = fileURLToPath(new URL('../../models/demo/', import.meta.url));

describe('the demo', () => {
  it('is small: at most 6 MB of video and 4 MB of gallery', async () => {
    expect((await stat(join(DEMO, 'procedure.mp4'))).size).toBeLessThan(6e6);
    expect(await sizeOf(join(DEMO, 'gallery'))).toBeLessThan(4e6);
  });

  it('has one line of truth per frame of its video, and visits every landmark', async () => {
    const ffmpeg = await findFfmpeg();
    const truth = parseTruth(await readFile(join(DEMO, 'truth.ndjson'), 'utf8'));
    const probe = await probeInput(ffmpeg, {
      inputOptions: [],
      input: join(DEMO, 'procedure.mp4'),
      context: { label: 'the demo', kind: 'file', ffmpegVersion: ffmpeg.version },
    });
    expect(probe).toMatchObject({ codec: 'h264', width: 384, height: 320, fps: 15 });
    expect(Math.round(((probe.durationUs ?? 0) / 1e6) * 15)).toBe(truth.length);
    expect([...new Set(visitsOf(truth).map(({ landmark }) => landmark))].sort()).toEqual([...STILL_CLASSES.upper].sort());
  });

  it('has a gallery that opens with the model as it is now, of at least 20 patients and not the one that plays', async () => {
    const gallery = await openGallery(join(DEMO, 'gallery'), { model: descriptors() });
    expect([...gallery.labels].sort()).toEqual([...STILL_CLASSES.upper, 'out-of-body'].sort());
    const patients = new Set(gallery.exemplars.map(({ path }) => /patient-(\d+)-/.exec(path)?.[1]));
    expect(patients.size).toBeGreaterThanOrEqual(20);
    expect(patients.has('9')).toBe(false);
    expect(await decodeStill((await gallery.thumbnail(0))!)).toMatchObject({ width: expect.any(Number) as number });
  });

  it('is what the seeds give: a still drawn now is the one that the gallery was built from', async () => {
    const gallery = await openGallery(join(DEMO, 'gallery'), { model: descriptors() });
    const directory = await mkdtemp(join(tmpdir(), 'lumenmark-demo-'));
    try {
      const disturbances = ['bubbles', 'instrument', 'narrow-band', 'colour-cast', 'interlacing', 'compression', 'out-of-body'] as const;
      const [still] = await writeStills({
        directory,
        classes: ['pylorus'],
        perClass: 2,
        patients: 1,
        seed: 900_001,
        width: 208,
        height: 168,
        disturbances,
      });
      const bytes = await readFile(join(directory, still!.path));
      const exemplar = gallery.exemplars.find(({ path }) => path === still!.path);
      expect(createHash('sha256').update(bytes).digest('hex')).toBe(exemplar?.sha256);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  });
});

async function sizeOf(path: string): Promise<number> {
  const facts = await stat(path);
  if (!facts.isDirectory()) return facts.size;
  const sizes = await Promise.all((await readdir(path)).map((name) => sizeOf(join(path, name))));
  return sizes.reduce((sum, size) => sum + size, 0);
}
