import { Option, type Command } from 'commander';
import { z } from 'zod';
import { lumenmarkHome } from '../../common/home.js';
import { DEVICES, type Device } from '../../inference/device.js';
import { runModel } from '../../inference/run-model.js';
import { PRECISIONS, type Precision } from '../../models/graph/precision.js';
import { importModel } from '../../models/import/import-model.js';
import { POSITION_RECIPES, type PositionRecipe } from '../../models/positions.js';
import { resolveCheckpointPath } from '../../models/pull.js';
import { checkedFlags } from '../flags/checked.js';
import { repeated } from '../flags/values.js';
import { stageLine } from '../terminal/stage-line.js';
import { picturesOf } from './calibration-pictures.js';

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

export function registerImport(models: Command): void {
  models
    .command('import')
    .description('make a running model of checkpoints (.pth, .safetensors, .onnx)')
    .requiredOption('--name <name>', 'name of the new model')
    .requiredOption(
      '--backbone <[name=]file>',
      'checkpoint of a backbone, or the id of a pulled one; repeat for a dual model, in the order of its training',
      repeated,
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
      await runImport(checkedFlags(importSchema, raw));
    });
}

async function runImport(flags: ImportFlags): Promise<void> {
  const home = lumenmarkHome();
  const { calibration } = flags;
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
      ...(calibration === undefined ? {} : { calibration: (size) => picturesOf(calibration, size) }),
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
