import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Option, type Command } from 'commander';
import { z } from 'zod';
import { ModelError, UsageError } from '../common/errors.js';
import { lumenmarkHome } from '../common/home.js';
import { progressBar } from '../common/progress.js';
import { DEVICES, type Device } from '../inference/device.js';
import { runModel } from '../inference/run-model.js';
import { decodeStill, squashStill, STILL_EXTENSIONS } from '../media/stills.js';
import { syntheticPictures, type CalibrationPictures } from '../models/calibration.js';
import { mebibytes } from '../models/files.js';
import { PRECISIONS, type Precision } from '../models/graph/precision.js';
import { importModel, measureParity, parityText } from '../models/import.js';
import { knownFiles } from '../models/known-files.js';
import type { ModelManifest } from '../models/manifest.js';
import { POSITION_RECIPES, type PositionRecipe } from '../models/positions.js';
import { explainGastronet, pullCheckpoint, resolveCheckpointPath } from '../models/pull.js';
import { describeModel, listModels, modelOf, recordParity, removeModel, verifyModelFiles } from '../models/registry.js';
import { fieldOfViewOfStill } from '../retrieval/still-pixels.js';
import { stageLine } from './models-progress.js';

const importSchema = z.object({
  name: z.string(),
  backbone: z.array(z.string()).min(1),
  adapter: z.string().optional(),
  precision: z.enum(PRECISIONS as unknown as [Precision, ...Precision[]]),
  device: z.enum(DEVICES as unknown as [Device, ...Device[]]),
  inputSize: z.coerce.number().int().min(14).max(2048).optional(),
  positions: z.enum(POSITION_RECIPES as unknown as [PositionRecipe, ...PositionRecipe[]]).optional(),
  loraAlpha: z.coerce.number().positive().optional(),
  licence: z.string().optional(),
  calibration: z.string().optional(),
  force: z.boolean().optional(),
  replace: z.boolean().optional(),
  json: z.boolean().optional(),
});
type ImportFlags = z.infer<typeof importSchema>;

/** `lumenmark models`: from checkpoints to running models, and what is known of them. */
export function register(program: Command): void {
  const models = program.command('models').description('import and manage models');
  const collect = (value: string, before: string[] | undefined): string[] => [...(before ?? []), value];

  models
    .command('import')
    .description('make a running model of checkpoints (.pth, .safetensors, .onnx)')
    .requiredOption('--name <name>', 'name of the new model')
    .requiredOption(
      '--backbone <[name=]file>',
      'checkpoint of a backbone, or the id of a pulled one; repeat for a dual model, in the order of its training',
      collect,
    )
    .option('--adapter <path>', 'LoRA and fusion head: folder or file')
    .addOption(new Option('--precision <precision>', 'number format of the graph').choices(PRECISIONS).default('fp32'))
    .addOption(new Option('--device <device>', 'where the model is to run; compared with the CPU').choices(DEVICES).default('cpu'))
    .option('--input-size <px>', 'side of the input; default: what the backbones were made for')
    .addOption(
      new Option('--positions <recipe>', 'recipe to resize position embeddings; default: the official one').choices(POSITION_RECIPES),
    )
    .option('--lora-alpha <n>', "LoRA's alpha where the file does not tell it (16)")
    .option('--licence <text>', 'licence of the weights')
    .option('--calibration <dir>', 'pictures to compare variants on instead of synthetic ones')
    .option('--force', 'keep a variant below the bound of parity')
    .option('--replace', 'replace a model of the same name')
    .option('--json', 'print the manifest as JSON')
    .action(async (raw: unknown) => {
      await runImport(parse(importSchema, raw));
    });

  models
    .command('list')
    .description('the models of this machine')
    .option('--json', 'print JSON')
    .action(async ({ json }: { json?: true }) => {
      await list(json === true);
    });

  models
    .command('info')
    .description('what a model is made of: parts, licences, preprocessing, parity')
    .argument('<name>')
    .option('--json', 'print the manifest')
    .action(async (name: string, { json }: { json?: true }) => {
      const { manifest } = await describeModel(name, { home: lumenmarkHome() });
      console.log(json === true ? JSON.stringify(manifest, null, 2) : infoText(manifest));
    });

  models
    .command('verify')
    .description('compare the files of a model with their hashes and, with --device, its embeddings with those of the CPU')
    .argument('<name>')
    .addOption(new Option('--device <device>', 'also compare this device with the CPU').choices(DEVICES))
    .option('--calibration <dir>', 'pictures to compare on instead of synthetic ones')
    .option('--json', 'print JSON')
    .action(async (name: string, flags: { device?: Device; calibration?: string; json?: true }) => {
      await verify(name, flags);
    });

  models
    .command('remove')
    .description('delete an imported model')
    .argument('<name>')
    .action(async (name: string) => {
      await removeModel(name, { home: lumenmarkHome() });
      console.log(`Removed ${name}.`);
    });

  models
    .command('pull')
    .description('fetch a published checkpoint from its official address')
    .argument(
      '<id>',
      `one of ${knownFiles()
        .flatMap((file) => (file.url === undefined ? [] : [file.id]))
        .join(', ')}; or gastronet, which explains how to obtain it`,
    )
    .option('--from <url>', 'another address of the same file')
    .option('--json', 'print JSON')
    .action(async (id: string, flags: { from?: string; json?: true }) => {
      await pull(id, flags);
    });
}

function parse<T>(schema: z.ZodType<T>, raw: unknown): T {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError('option', `--${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
}

async function runImport(flags: ImportFlags): Promise<void> {
  const home = lumenmarkHome();
  const backbones = await Promise.all(
    flags.backbone.map(async (given) => {
      const named = /^([a-z][a-z0-9-]*)=(.+)$/.exec(given);
      const path = await resolveCheckpointPath(named?.[2] ?? given, home);
      return named?.[1] === undefined ? { path } : { path, name: named[1] };
    }),
  );
  const quiet = flags.json === true;
  const stage = stageLine(!quiet);
  try {
    const { manifest, folder } = await importModel({
      name: flags.name,
      home,
      backbones,
      precision: flags.precision,
      device: flags.device,
      run: runModel,
      force: flags.force === true,
      replace: flags.replace === true,
      onStage: stage.show,
      onReport: (line) => {
        stage.clear();
        if (!quiet) console.log(`  ${line}`);
      },
      ...(flags.adapter === undefined ? {} : { adapter: flags.adapter }),
      ...(flags.inputSize === undefined ? {} : { inputSize: flags.inputSize }),
      ...(flags.positions === undefined ? {} : { positions: flags.positions }),
      ...(flags.loraAlpha === undefined ? {} : { loraAlpha: flags.loraAlpha }),
      ...(flags.licence === undefined ? {} : { licence: flags.licence }),
      ...calibrationOption(flags.calibration),
    });
    stage.clear();
    console.log(
      quiet
        ? JSON.stringify(manifest, null, 2)
        : `Imported ${manifest.name}: ${manifest.dimension} dimensions, ${manifest.precision}, fingerprint ${manifest.fingerprint.slice(0, 12)}, in ${folder}`,
    );
  } finally {
    stage.clear();
  }
}

function calibrationOption(folder: string | undefined): { calibration?: (size: number) => Promise<CalibrationPictures> } {
  return folder === undefined ? {} : { calibration: (size) => picturesOf(folder, size) };
}

const MOST_PICTURES = 200;

/** The pictures of a folder as a model sees them, through the same field of view and resize as everywhere. */
async function picturesOf(folder: string, size: number): Promise<CalibrationPictures> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch((error: unknown) => {
    throw new UsageError('calibration', `${folder} cannot be read.`, { cause: error, remedy: 'Give a folder of pictures.' });
  });
  const files = entries
    .filter((entry) => entry.isFile() && STILL_EXTENSIONS.some((extension) => entry.name.toLowerCase().endsWith(extension)))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  // Evenly over the folder, so that all of its classes are seen.
  const chosen = files.filter(
    (_, index) => Math.floor((index * MOST_PICTURES) / files.length) !== Math.floor(((index - 1) * MOST_PICTURES) / files.length),
  );
  if (chosen.length < 2)
    throw new UsageError('calibration', `${folder} holds fewer than two pictures.`, { remedy: 'Give a folder of pictures.' });
  const pixels = new Uint8Array(chosen.length * size * size * 3);
  for (const [index, file] of chosen.entries()) {
    const still = await decodeStill(file);
    pixels.set(await squashStill(still, await fieldOfViewOfStill(still, 'auto'), { width: size, height: size }), index * size * size * 3);
  }
  return { name: `${chosen.length} pictures of ${folder}`, count: chosen.length, pixels };
}

async function list(json: boolean): Promise<void> {
  const listed = await listModels({ home: lumenmarkHome() });
  if (json) {
    console.log(JSON.stringify(listed, null, 2));
    return;
  }
  for (const model of listed) {
    if (model.kind === 'built-in') console.log(`${model.name.padEnd(20)} built in, needs no weights`);
    else if (model.kind === 'damaged') console.log(`${model.name.padEnd(20)} DAMAGED: ${model.problem}`);
    else {
      const { manifest } = model;
      const architectures = manifest.backbones.map((backbone) => backbone.architecture).join(' + ');
      console.log(
        `${model.name.padEnd(20)} ${manifest.precision} ${String(manifest.dimension).padStart(4)}-d  ${architectures}${manifest.adapter === null ? '' : ', adapted'}`,
      );
    }
  }
}

function infoText(manifest: ModelManifest): string {
  const { preprocessing: size } = manifest;
  const lines = [
    manifest.name,
    `  fingerprint    ${manifest.fingerprint}`,
    `  made           ${manifest.createdAt} by ${manifest.createdBy}`,
    `  graph          ${manifest.precision}, ${mebibytes(manifest.graph.reduce((sum, file) => sum + file.byteLength, 0))}, imported for ${manifest.device}`,
    `  embedding      ${manifest.dimension} dimensions`,
    `  parameters     ${manifest.parameters.toLocaleString('en')}`,
    `  preprocessing  ${size.width}×${size.height}, ${size.resize}; mean ${size.mean.join(' ')}, std ${size.std.join(' ')}`,
    ...manifest.backbones.map(
      (backbone) =>
        `  backbone       ${backbone.name}: ${backbone.architecture}, ${backbone.parameters.toLocaleString('en')} parameters${backbone.positions === null ? '' : `, positions “${backbone.positions}”`}`,
    ),
  ];
  if (manifest.adapter !== null) {
    const { loraLayers, loraParameters, head } = manifest.adapter;
    lines.push(
      `  adapter        LoRA on ${loraLayers} layers (${loraParameters.toLocaleString('en')} parameters)${head === null ? '' : `, fusion head ${head.inputs} → ${head.outputs}`}`,
    );
  }
  for (const part of manifest.parts) {
    lines.push(
      `  part           ${part.name}`,
      `    licence      ${part.licence}`,
      `    origin       ${part.origin}`,
      `    source       ${part.source.file}, SHA-256 ${part.source.sha256}`,
      `    kept         ${part.file}, SHA-256 ${part.sha256}`,
    );
  }
  if (manifest.parity.length === 0) lines.push('  parity         fp32 on the CPU is the reference itself');
  for (const parity of manifest.parity) lines.push(`  parity         ${parityText(parity)}`);
  return lines.join('\n');
}

async function verify(name: string, flags: { device?: Device; calibration?: string; json?: true }): Promise<void> {
  const home = lumenmarkHome();
  const files = await verifyModelFiles(name, { home });
  const faulty = files.filter(({ state }) => state !== 'intact');
  if (flags.json !== true) for (const { file, state } of files) console.log(`${state === 'intact' ? '✓' : '✗'} ${file} ${state}`);
  if (faulty.length > 0) {
    if (flags.json === true) console.log(JSON.stringify({ files }, null, 2));
    throw new ModelError(
      'model-changed',
      `${name} is not what was imported: ${faulty.map(({ file, state }) => `${file} ${state}`).join(', ')}.`,
      {
        remedy: 'Import it again with --replace.',
      },
    );
  }
  const parity = flags.device === undefined ? null : await compareDevice(name, home, flags.device, flags.calibration);
  if (flags.json === true) console.log(JSON.stringify({ files, parity }, null, 2));
  else if (parity !== null) console.log(parityText(parity));
  if (parity?.passed === false)
    throw new ModelError('model-parity', `${name} does not agree with the CPU on ${parity.device}.`, {
      remedy: 'Use --device cpu for this model.',
    });
}

/** The same graph on the CPU and on the device, so that the device alone is judged. */
async function compareDevice(
  name: string,
  home: string,
  device: Device,
  calibration: string | undefined,
): Promise<ModelManifest['parity'][number]> {
  const { folder, manifest } = await describeModel(name, { home });
  const model = modelOf(folder, manifest);
  const size = model.input.width;
  const pictures = calibration === undefined ? syntheticPictures(size) : await picturesOf(calibration, size);
  const reference = await runModel(model, pictures, 'cpu');
  const variant = await runModel(model, pictures, device);
  const parity = measureParity(reference.embeddings, variant.embeddings, {
    precision: manifest.precision,
    device: variant.device,
    dimension: model.dimension,
    pictures,
  });
  if (variant.device !== 'cpu') await recordParity(folder, parity);
  return parity;
}

async function pull(id: string, flags: { from?: string; json?: true }): Promise<void> {
  const home = lumenmarkHome();
  if (id === 'gastronet' || id.startsWith('gastronet-')) {
    console.log(explainGastronet(home));
    return;
  }
  const progress = progressBar(flags.json === true ? { write: () => undefined } : process.stderr);
  const inMebibytes = (bytes: number): number => Math.round(bytes / 2 ** 20);
  const onProgress = (done: number, total: number | null): void => {
    progress.update({ label: 'MiB', done: inMebibytes(done), total: inMebibytes(total ?? done) });
  };
  try {
    const pulled = await pullCheckpoint(id, { home, onProgress, ...(flags.from === undefined ? {} : { from: flags.from }) });
    progress.end();
    if (flags.json === true) {
      console.log(JSON.stringify(pulled, null, 2));
      return;
    }
    const pinned = {
      registry: 'as listed',
      recorded: 'as at the first download',
      'first time': 'recorded; it will be held against later downloads',
    }[pulled.pinned];
    console.log(`${pulled.fetched ? 'Fetched' : 'Already here'}: ${pulled.path} (${mebibytes(pulled.byteLength)})`);
    console.log(`SHA-256 ${pulled.sha256} (${pinned}); licence ${pulled.known.licence}`);
    console.log(`Import it: lumenmark models import --name NAME --backbone ${pulled.known.id}`);
  } finally {
    progress.end();
  }
}
