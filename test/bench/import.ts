import { fork } from 'node:child_process';
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DINOV2_VITS14_REG, GASTRONET_VITS16, randomWeights } from '../support/random-checkpoints.js';
import { torchFile, torchTensor } from '../support/torch-file.js';

/**
 * Time and peak memory of an import, in a process of its own: what `lumenmark models import` costs. Arguments: `--precision P`, `--dual`, `--json`.
 */
export default async function bench(args: readonly string[]): Promise<void> {
  const precision = args.includes('--precision') ? args[args.indexOf('--precision') + 1]! : 'fp32';
  const folder = mkdtempSync(join(tmpdir(), 'lumenmark-bench-'));
  try {
    const specs = args.includes('--dual') ? [GASTRONET_VITS16, DINOV2_VITS14_REG] : [DINOV2_VITS14_REG];
    const files = specs.map((spec, index) => {
      const path = join(folder, `${String(index)}.pth`);
      writeFileSync(
        path,
        torchFile(new Map(randomWeights(spec, index + 1).map((entry) => [entry.name, torchTensor(entry.shape, entry.values)]))),
      );
      return path;
    });
    const fileBytes = files.reduce((sum, path) => sum + statSync(path).size, 0);
    const command = [
      'models',
      'import',
      '--name',
      'bench',
      '--precision',
      precision,
      '--json',
      ...files.flatMap((path) => ['--backbone', path]),
    ];
    const startedMs = performance.now();
    const child = fork(fileURLToPath(new URL('support/measured-command.mjs', import.meta.url)), command, {
      env: { ...process.env, LUMENMARK_HOME: folder },
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    const peakBytes = await new Promise<number>((resolve, reject) => {
      child.once('message', (message) => {
        resolve(Number(message));
      });
      child.once('exit', (code) => {
        reject(new Error(`the import ended with ${String(code)}`));
      });
    });
    const seconds = (performance.now() - startedMs) / 1000;
    const result = { precision, fileBytes, seconds, peakBytes, peakOverFile: peakBytes / fileBytes };
    if (args.includes('--json')) console.log(JSON.stringify(result));
    else {
      console.log(
        `${files.length === 1 ? 'ViT-S/14 reg4' : 'ViT-S/16 + ViT-S/14 reg4'}, ${precision}, ${(fileBytes / 1e6).toFixed(1)} MB of checkpoints`,
      );
      console.log(
        `import ${seconds.toFixed(1)} s, peak memory ${(peakBytes / 1e6).toFixed(0)} MB = ${result.peakOverFile.toFixed(2)}× the files`,
      );
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
