import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { mebibytes } from '../../models/files.js';
import { parityText } from '../../models/parity.js';
import type { ModelManifest } from '../../models/manifest.js';
import { describeModel } from '../../models/registry.js';

export function registerInfo(models: Command): void {
  models
    .command('info')
    .description('what a model is made of: parts, licences, preprocessing, parity')
    .argument('<name>')
    .option('--json', 'print the manifest')
    .action(async (name: string, { json }: { json?: true }) => {
      const { manifest } = await describeModel(name, { home: lumenmarkHome() });
      console.log(json === true ? JSON.stringify(manifest, null, 2) : infoText(manifest));
    });
}

function infoText(manifest: ModelManifest): string {
  const { preprocessing: size } = manifest;
  const lines = [
    manifest.name,
    ...(manifest.notice === undefined ? [] : [`  notice         ${manifest.notice}`]),
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
