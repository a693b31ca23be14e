/**
 * What an audit of a video costs beside its inference: `npm run bench -- audit [--seconds N] [--gallery G | --vit] [--video V]`, at 5 analysed
 * frames a second; the video is repeated to that length. `--vit` is a ViT-S/16 of real size with random weights, for machines without an imported model. Bare inference is the same number of frames through the same embedder, the next one always waiting, and no video read.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Embedder } from '../../src/inference/embedder.js';
import { createEmbedder } from '../../src/inference/worker-embedder.js';
import { findFfmpeg } from '../../src/media/ffmpeg.js';
import { auditVideo } from '../../src/procedure/audit-video.js';
import { installationKey } from '../../src/procedure/key.js';
import { openGallery } from '../../src/retrieval/gallery.js';
import { loadChecklist } from '../../src/tracking/checklist.js';
import { randomGallery } from './support/random-model.js';

const DEMO = fileURLToPath(new URL('../../models/demo/', import.meta.url));
const FPS = 5;

export default async function bench(args: string[]): Promise<void> {
  const { values } = parseArgs({
    args,
    options: {
      seconds: { type: 'string', default: '600' },
      gallery: { type: 'string', default: join(DEMO, 'gallery') },
      vit: { type: 'boolean', default: false },
      video: { type: 'string', default: join(DEMO, 'procedure.mp4') },
    },
  });
  const { seconds, video: source } = values;
  const folder = mkdtempSync(join(tmpdir(), 'lumenmark-bench-'));
  const gallery = values.vit ? await randomGallery(folder, 'vit') : await openGallery(values.gallery);
  const embedder = await createEmbedder(gallery.model, { device: 'auto' });
  try {
    const ffmpeg = await findFfmpeg();
    const video = join(folder, 'video.mp4');
    execFileSync(ffmpeg.path, ['-v', 'error', '-stream_loop', '-1', '-i', source, '-t', seconds, '-c', 'copy', video]);
    const key = await installationKey(folder);
    const common = { home: folder, key, video, gallery, embedder, checklist: loadChecklist('esge-2016'), ffmpeg, analysisFps: FPS };
    const frames = Math.round(Number(seconds) * FPS);
    const bareMs = await bare(embedder, frames);
    console.log(`${gallery.model.name} on ${embedder.device.name}; ${seconds} s of video, ${frames} frames due`);
    console.log(`bare inference            ${line(bareMs, bareMs)}`);
    for (const recording of [false, true]) {
      const { wallMs, analysedFrames } = await auditVideo({ ...common, recording });
      console.log(
        `${recording ? 'audit, masked recording  ' : 'audit, --no-recording    '} ${line(wallMs, bareMs)}  ${analysedFrames} frames`,
      );
    }
    console.log(`bare inference again      ${line(await bare(embedder, frames), bareMs)}`);
  } finally {
    await embedder.dispose();
    rmSync(folder, { recursive: true, force: true });
  }
}

function line(ms: number, bareMs: number): string {
  return `${(ms / 1000).toFixed(1).padStart(7)} s   ${(ms / bareMs).toFixed(2)} × bare`;
}

async function bare(embedder: Embedder, frames: number): Promise<number> {
  const { width, height } = embedder.model.input;
  const beganMs = performance.now();
  const waiting: Promise<unknown>[] = [];
  for (let frame = 0; frame < frames; frame++) {
    waiting.push(embedder.embed({ count: 1, width, height, pixels: new Uint8Array(width * height * 3).fill(frame % 251) }));
    if (waiting.length > 2 * embedder.device.batchLimit) await waiting.shift();
  }
  await Promise.all(waiting);
  return performance.now() - beganMs;
}
