import { Option, type Command } from 'commander';
import { ModelError } from '../../common/errors.js';
import { lumenmarkHome } from '../../common/home.js';
import { DEVICES, type Device } from '../../inference/device.js';
import { runModel } from '../../inference/run-model.js';
import { syntheticPictures } from '../../models/calibration.js';
import { measureParity, parityText } from '../../models/parity.js';
import { MEND_MODEL, type ModelManifest } from '../../models/manifest.js';
import { describeModel, modelOf, recordParity, verifyModelFiles } from '../../models/registry.js';
import { picturesOf } from './calibration-pictures.js';

interface VerifyFlags {
  readonly device?: Device;
  readonly calibration?: string;
  readonly json?: true;
}

export function registerVerify(models: Command): void {
  models
    .command('verify')
    .description('compare the files of a model with their hashes and, with --device, its embeddings with those of the CPU')
    .argument('<name>')
    .addOption(new Option('--device <device>', 'also compare this device with the CPU').choices(DEVICES))
    .option('--calibration <dir>', 'pictures to compare on instead of synthetic ones')
    .option('--json', 'print JSON')
    .action(async (name: string, flags: VerifyFlags) => {
      await verify(name, flags);
    });
}

async function verify(name: string, flags: VerifyFlags): Promise<void> {
  const home = lumenmarkHome();
  const files = await verifyModelFiles(name, { home });
  const faulty = files.filter(({ state }) => state !== 'intact');
  if (flags.json !== true) for (const { file, state } of files) console.log(`${state === 'intact' ? '✓' : '✗'} ${file} ${state}`);
  if (faulty.length > 0) {
    if (flags.json === true) console.log(JSON.stringify({ files }, null, 2));
    throw new ModelError(
      'model-changed',
      `${name} is not what was imported: ${faulty.map(({ file, state }) => `${file} ${state}`).join(', ')}.`,
      { remedy: MEND_MODEL },
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
