import type { Command } from 'commander';
import { registerDelete } from './procedures/delete.js';
import { registerExport } from './procedures/export.js';
import { registerHold } from './procedures/hold.js';
import { registerKey } from './procedures/key.js';
import { registerList } from './procedures/list.js';
import { registerOverview } from './procedures/overview.js';
import { registerPrune } from './procedures/prune.js';
import { registerRebuild } from './procedures/rebuild.js';
import { registerRecover } from './procedures/recover.js';
import { registerReplay } from './procedures/replay.js';
import { registerReport } from './procedures/report.js';
import { registerShow } from './procedures/show.js';
import { registerStats } from './procedures/stats.js';
import { registerVerify } from './procedures/verify.js';

const SUBCOMMANDS = [
  registerList,
  registerShow,
  registerReplay,
  registerStats,
  registerReport,
  registerOverview,
  registerVerify,
  registerExport,
  registerHold,
  registerDelete,
  registerPrune,
  registerKey,
  registerRecover,
  registerRebuild,
];

/** `lumenmark procedures`: what was kept. */
export function register(program: Command): void {
  const procedures = program.command('procedures').description('procedures that were recorded, audited and kept');
  for (const registerSubcommand of SUBCOMMANDS) registerSubcommand(procedures);
}
