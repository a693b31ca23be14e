// Builds what `npm start` plays on a fresh machine, from seeds alone: models/demo/procedure.mp4 and truth.ndjson (one simulated
// upper procedure) and models/demo/gallery (stills of other simulated patients). The gallery is the same byte for byte whenever it is built by
// the same program; the video is the same up to the encoder.
//   npm run demo:build [-- --only video|gallery] [--out DIR] [--threads N] [--stills DIR]
// With --stills, the gallery's pictures are drawn into DIR and kept; what is there already is taken as it is.
import { existsSync, mkdtempSync, rmSync, mkdirSync, readdirSync, renameSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const { values } = parseArgs({
  options: { only: { type: 'string' }, out: { type: 'string' }, threads: { type: 'string', default: '1' }, stills: { type: 'string' } },
});
const out = values.out ?? join(root, 'models/demo');
const threads = Number(values.threads);

// The patients of the gallery and the patient of the video never meet.
const VIDEO = { tract: 'upper', seed: 9, durationS: 90, width: 384, height: 320, fps: 15, crf: 26 };
const GALLERY = { firstSeed: 900_001, patients: 20, perClass: 40, width: 208, height: 168 };

const built = spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--quiet'], { stdio: 'inherit' });
if (built.status !== 0) process.exit(1);
const { findFfmpeg } = await import('../dist/media/ffmpeg.js');
const { DISTURBANCES } = await import('../dist/phantom/disturbance.js');
const { createProcedure } = await import('../dist/phantom/frames.js');
const { STILL_CLASSES, writeStills } = await import('../dist/phantom/stills.js');
const { writeVideo } = await import('../dist/phantom/video.js');
const { descriptors } = await import('../dist/models/descriptors/descriptors.js');
const { buildGallery } = await import('../dist/retrieval/build-gallery.js');

mkdirSync(out, { recursive: true });
// The gallery states when it was built; the same gallery states the same.
process.env.SOURCE_DATE_EPOCH ??= String(Date.UTC(2026, 0, 1) / 1000);
if (values.only !== 'video') await gallery();
if (values.only !== 'gallery') await video();

async function gallery() {
  const stills = values.stills ?? mkdtempSync(join(tmpdir(), 'lumenmark-demo-'));
  try {
    if (values.stills === undefined || !existsSync(stills))
      await writeStills({
        directory: stills,
        classes: [...STILL_CLASSES.upper, 'out-of-body'],
        perClass: GALLERY.perClass,
        patients: GALLERY.patients,
        seed: GALLERY.firstSeed,
        width: GALLERY.width,
        height: GALLERY.height,
        // Through the chains and lights that occur; what spoils a picture is not kept as one.
        disturbances: ['bubbles', 'instrument', 'narrow-band', 'colour-cast', 'interlacing', 'compression', 'out-of-body'],
        threads,
        onStill: progress('stills'),
      });
    const report = await buildGallery({
      directory: stills,
      out: join(out, 'gallery'),
      name: 'Simulated upper procedures',
      model: descriptors(),
      index: 'exact',
    });
    console.log(`gallery: ${mebibytes(join(out, 'gallery'))} MiB, ${(report.elapsedMs / 1000).toFixed(1)} s`);
  } finally {
    if (values.stills === undefined) rmSync(stills, { recursive: true, force: true });
  }
}

async function video() {
  const { crf, ...options } = VIDEO;
  const procedure = createProcedure({ ...options, disturbances: [...DISTURBANCES] });
  const written = await writeVideo(procedure, { directory: out, ffmpeg: await findFfmpeg(), threads, crf, onFrame: progress('frames') });
  const name = join(out, 'procedure.mp4');
  renameSync(written.video, name);
  console.log(`video: ${written.frames} frames, ${mebibytes(name)} MiB`);
}

function progress(what) {
  let shown = -1;
  return (done, of) => {
    const percent = Math.floor((done / of) * 20) * 5;
    if (percent === shown) return;
    shown = percent;
    console.log(`${what}: ${percent} %`);
  };
}

function mebibytes(path) {
  const bytes = (entry) =>
    statSync(entry).isDirectory() ? readdirSync(entry).reduce((sum, name) => sum + bytes(join(entry, name)), 0) : statSync(entry).size;
  return (bytes(path) / 2 ** 20).toFixed(2);
}
