import type { Command } from 'commander';
import { registerImport } from './models/import.js';
import { registerInfo } from './models/info.js';
import { registerList } from './models/list.js';
import { registerPull } from './models/pull.js';
import { registerRemove } from './models/remove.js';
import { registerVerify } from './models/verify.js';

/** `lumenmark models`: from checkpoints to running models, and what is known of them. */
export function register(program: Command): void {
  const models = program.command('models').description('import and manage models');
  registerImport(models);
  registerList(models);
  registerInfo(models);
  registerVerify(models);
  registerRemove(models);
  registerPull(models);
}
