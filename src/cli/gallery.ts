import type { Command } from 'commander';
import { registerAdd } from './gallery/add.js';
import { registerBuild } from './gallery/build.js';
import { registerInfo } from './gallery/info.js';
import { registerMap } from './gallery/map.js';
import { registerPull } from './gallery/pull.js';
import { registerVerify } from './gallery/verify.js';

/** `lumenmark gallery`: galleries from a folder per label. */
export function register(program: Command): void {
  const gallery = program.command('gallery').description('labelled pictures to match with');
  registerBuild(gallery);
  registerPull(gallery);
  registerAdd(gallery);
  registerInfo(gallery);
  registerMap(gallery);
  registerVerify(gallery);
}
