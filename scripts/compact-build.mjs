// Trains a small model, models/compact, from seeds alone: draws stills of simulated patients, trains a small ResNet and a fusion
// head from scratch on them, and makes a model of the result.
//   npm run compact:build [-- --out DIR] [--work DIR] [--device D] [--threads N] [--minutes M] [--variant resnet|pair|coarse|fine]
// Stills that are in --work already are taken as they are. --minutes trains as many epochs as fit into that time.
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, statSync, writeFileSync, appendFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Patients that nothing else is made of; a fifth of them is held back for the choice of the state. */
const STILLS = { seed: 700_001, patients: 300, perClass: 900, width: 208, height: 168, size: 112, valFraction: 0.1 };
/** A small ResNet, which is made the model; and, to be compared with it, two tiny transformers that see the picture in patches of different size. */
const BACKBONES = { coarse: 'coarse=vit:dim=128,depth=4,patch=16,hidden=256', fine: 'fine=vit:dim=128,depth=4,patch=8,hidden=256' };
const VARIANTS = {
  resnet: ['resnet:widths=24-48-96-160'],
  pair: [BACKBONES.coarse, BACKBONES.fine],
  coarse: [BACKBONES.coarse],
  fine: [BACKBONES.fine],
};
const LOSSES = {
  triplet: { kind: 'triplet', margin: 0.6, miner: 'semihard', minerMargin: 0.3 },
  'supervised-contrastive': { kind: 'supervised-contrastive', temperature: 0.1 },
  'normalised-softmax': { kind: 'normalised-softmax', temperature: 0.0625, smoothing: 0.05 },
};
const DISTURBANCES = ['bubbles', 'instrument', 'narrow-band', 'colour-cast', 'interlacing', 'compression', 'out-of-body'];

const NOTICE = 'Knows simulated patients alone: trained without one picture of a real one, it means nothing on real endoscopy.';

const USE = `## Use

\`\`\`sh
lumenmark gallery build PICTURES --model compact --out GALLERY
\`\`\`
`;

if (isMainThread) await main();
else await drawPatients(workerData);

async function main() {
  const { values } = parseArgs({
    options: {
      out: { type: 'string', default: join(root, 'models/compact') },
      work: { type: 'string' },
      device: { type: 'string', default: 'auto' },
      threads: { type: 'string', default: String(availableParallelism()) },
      minutes: { type: 'string' },
      variant: { type: 'string', default: 'resnet' },
      epochs: { type: 'string', default: '16' },
      'per-class': { type: 'string', default: String(STILLS.perClass) },
      patients: { type: 'string', default: String(STILLS.patients) },
      classes: { type: 'string' },
      'draw-only': { type: 'boolean', default: false },
      'val-fraction': { type: 'string', default: String(STILLS.valFraction) },
      augment: { type: 'string', default: 'strong' },
      loss: { type: 'string', default: 'normalised-softmax' },
      lr: { type: 'string', default: '0.003' },
      'batch-size': { type: 'string', default: '64' },
    },
  });
  if (
    existsSync(join(root, 'scripts/build.mjs')) &&
    spawnSync(process.execPath, [join(root, 'scripts/build.mjs'), '--quiet'], { stdio: 'inherit' }).status !== 0
  )
    process.exit(1);
  const work = values.work ?? mkdtempSync(join(tmpdir(), 'lumenmark-compact-'));
  mkdirSync(work, { recursive: true });
  try {
    const stills = {
      ...STILLS,
      perClass: Number(values['per-class']),
      patients: Number(values.patients),
      classes: values.classes?.split(',') ?? (await allClasses()),
    };
    if (!existsSync(join(work, 'labels.json'))) await draw(work, stills, Number(values.threads));
    if (!values['draw-only']) await train(work, stills, values);
  } finally {
    if (values.work === undefined) rmSync(work, { recursive: true, force: true });
  }
}

async function allClasses() {
  const { STILL_CLASSES } = await import('../dist/phantom/stills.js');
  return [...STILL_CLASSES.upper, ...STILL_CLASSES.lower, 'out-of-body'];
}

/** Patients are dealt to threads; each writes its own part, and the parts are joined in the order of the patients. */
async function draw(work, stills, threads) {
  const began = Date.now();
  const parts = Array.from({ length: Math.min(threads, stills.patients) }, (_, part) => join(work, `part-${part}`));
  let done = 0;
  await Promise.all(
    parts.map((file, part) => {
      rmSync(file, { force: true });
      return new Promise((resolve, reject) => {
        const worker = new Worker(fileURLToPath(import.meta.url), { workerData: { file, part, of: parts.length, stills } });
        worker.on('message', (count) => {
          done += count;
          if (Math.floor(done / 500) > Math.floor((done - count) / 500))
            console.log(`stills: ${done} of ${stills.perClass * stills.classes.length}, ${Math.round((Date.now() - began) / 1000)} s`);
        });
        worker.on('error', reject);
        worker.on('exit', resolve);
      });
    }),
  );
  const rowBytes = stills.size ** 2 * 3;
  const entries = parts
    .flatMap((file) =>
      readFileSync(`${file}.ndjson`, 'utf8')
        .trim()
        .split('\n')
        .map((line, row) => ({ ...JSON.parse(line), file, row })),
    )
    .sort((a, b) => (a.name < b.name ? -1 : 1));
  const bytes = new Map(parts.map((file) => [file, readFileSync(file)]));
  const pixels = join(work, 'pixels.bin');
  writeFileSync(pixels, '');
  for (const { file, row } of entries) appendFileSync(pixels, bytes.get(file).subarray(row * rowBytes, (row + 1) * rowBytes));
  for (const file of parts) for (const path of [file, `${file}.ndjson`]) rmSync(path);
  writeFileSync(
    join(work, 'labels.partial'),
    JSON.stringify({ labels: entries.map(({ label }) => label), names: entries.map(({ name }) => name) }),
  );
  renameSync(join(work, 'labels.partial'), join(work, 'labels.json'));
  console.log(`${entries.length} stills, ${Math.round((Date.now() - began) / 1000)} s`);
}

/** In a worker: draws every `of`-th patient and squashes the fields of view to the model's size. */
async function drawPatients({ file, part, of, stills }) {
  const { drawStills } = await import('../dist/phantom/stills.js');
  const { fieldOfViewOf } = await import('../dist/capture/field-of-view.js');
  const { cutRegion } = await import('../dist/media/region.js');
  const { resizeBilinear } = await import('../dist/media/bilinear.js');
  const { width, height, size, seed, patients, perClass, classes } = stills;
  writeFileSync(file, '');
  for (let patient = part; patient < patients; patient += of) {
    const count = Math.floor((perClass * (patient + 1)) / patients) - Math.floor((perClass * patient) / patients);
    const rows = [];
    const lines = [];
    const ofPatient = {
      classes,
      perClass: count,
      patients: 1,
      seed: seed + patient,
      width,
      height,
      disturbances: DISTURBANCES,
      threads: 0,
    };
    for await (const still of drawStills(ofPatient)) {
      const rgb = new Uint8Array(still.pixels.buffer);
      const luma = Uint8Array.from(
        { length: width * height },
        (_, at) => (77 * rgb[at * 3] + 150 * rgb[at * 3 + 1] + 29 * rgb[at * 3 + 2] + 128) >> 8,
      );
      const fieldOfView = fieldOfViewOf({ width, height, pixels: luma });
      const picture = { width, height, pixels: rgb };
      const cut = fieldOfView === null ? picture : cutRegion(picture, fieldOfView);
      rows.push(resizeBilinear(cut.pixels, cut.width, cut.height, size, size));
      lines.push(JSON.stringify({ name: still.path, label: still.label }));
    }
    for (const row of rows) appendFileSync(file, row);
    appendFileSync(`${file}.ndjson`, `${lines.join('\n')}\n`);
    parentPort.postMessage(rows.length);
  }
}

async function train(work, stills, values) {
  const { finetune } = await import('../dist/training/finetune.js');
  const { trainingSettings } = await import('../dist/training/settings.js');
  const { importModel } = await import('../dist/models/import/import-model.js');
  const { runModel } = await import('../dist/inference/run-model.js');
  const run = join(work, `run-${values.variant}`);
  const controller = new AbortController();
  process.once('SIGINT', () => controller.abort());
  const began = Date.now();
  let shown = 0;
  const base = {
    backbones: { home: work, backbones: VARIANTS[values.variant], inputSize: stills.size },
    training: { kind: 'all' },
    fusionDim: 128,
    data: {
      origin: { kind: 'raw', pixels: join(work, 'pixels.bin'), labels: join(work, 'labels.json') },
      valFraction: Number(values['val-fraction']),
      groupOf: (name) => /patient-(\d+)/.exec(name)?.[1] ?? null,
      fieldOfView: 'none',
      keepLabels: true,
    },
    settings: trainingSettings({
      epochs: Number(values.epochs),
      batchSize: Number(values['batch-size']),
      loss: LOSSES[values.loss],
      augment: values.augment,
      lr: Number(values.lr),
      headLr: Number(values.lr),
      weightDecay: 0.05,
      warmupEpochs: 1,
      seed: 7,
    }),
    device: values.device,
    threads: Number(values.threads),
    microBatch: 'auto',
    recompute: false,
    out: run,
    resume: existsSync(join(run, 'checkpoints/last.checkpoint')),
    command: `npm run compact:build${values.variant === 'resnet' ? '' : ` -- --variant ${values.variant}`}`,
    onReport: (line) => console.log(line),
    onProgress: ({ stage, done, total, note }) => {
      if (Date.now() - shown < 15_000 && done < total) return;
      shown = Date.now();
      console.log(`${values.variant} ${stage} ${done}/${total} ${note ?? ''} ${Math.round((Date.now() - began) / 1000)} s`);
    },
    signal: controller.signal,
  };
  const chosen = values.minutes === undefined ? {} : await affordable(base, Number(values.minutes) * 60_000);
  const report = await finetune({ ...base, ...chosen });
  writeFileSync(join(work, `report-${values.variant}.json`), JSON.stringify(report));
  if (!report.finished) {
    console.log('Interrupted; the same command goes on.');
    return;
  }
  console.log(JSON.stringify({ variant: values.variant, before: report.before, after: report.after }));
  if (values.variant !== 'resnet') return;
  await importModel({
    name: 'compact',
    home: work,
    backbones: report.result.backbones,
    adapter: run,
    inputSize: report.inputSize,
    licence: 'Apache-2.0',
    notice: NOTICE,
    replace: true,
    run: runModel,
  });
  rmSync(values.out, { recursive: true, force: true });
  renameSync(join(work, 'models/compact'), values.out);
  // The card's own advice is about importing, which is done.
  const [card] = readFileSync(join(run, 'README.md'), 'utf8').split('## Use');
  writeFileSync(join(values.out, 'README.md'), `**${NOTICE}** Weights: Apache-2.0.\n\n${card}${USE}`);
  console.log(`${values.out}: ${(statSync(join(values.out, 'model.onnx')).size / 2 ** 20).toFixed(1)} MiB of graph`);
}

/** The fastest of the devices that were named with commas between, and the epochs that fit into the time; told from a few steps on each. */
async function affordable(base, limitMs) {
  const { finetune } = await import('../dist/training/finetune.js');
  const began = Date.now();
  const out = `${base.out}-probe`;
  let best = null;
  for (const device of base.device.split(',')) {
    const settings = { ...base.settings, epochs: 1000, steps: 14 };
    const probe = {
      ...base,
      device,
      out,
      resume: false,
      settings,
      data: { ...base.data, valFraction: 0 },
      onProgress: () => undefined,
      onReport: () => undefined,
    };
    const stepMs = await finetune(probe).then(
      () => medianStepMs(join(out, 'run.ndjson')),
      (error) => console.log(`${device} does not work here: ${error.message}`) ?? Infinity,
    );
    console.log(`${device}: ${stepMs.toFixed(0)} ms per step`);
    if (best === null || stepMs < best.stepMs) best = { device, stepMs };
  }
  rmSync(out, { recursive: true });
  const { labels } = JSON.parse(readFileSync(base.data.origin.labels, 'utf8'));
  // Validation takes about a third of the time of an epoch's steps.
  const epochMs = (1.35 * best.stepMs * labels.length * (1 - base.data.valFraction)) / base.settings.batchSize;
  const epochs = Math.max(1, Math.min(base.settings.epochs, Math.floor((limitMs - (Date.now() - began)) / epochMs)));
  console.log(`${epochs} epochs on ${best.device}`);
  return { device: best.device, settings: { ...base.settings, epochs } };
}

function medianStepMs(log) {
  const lines = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const times = lines
    .flatMap(({ type, elapsedMs }) => (type === 'step' ? [elapsedMs] : []))
    .slice(4)
    .sort((a, b) => a - b);
  return times[Math.floor(times.length / 2)];
}
