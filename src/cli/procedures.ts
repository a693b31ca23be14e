import type { Command } from 'commander';
import { registerList } from './procedures-list.js';
import { registerRebuild } from './procedures-rebuild.js';
import { registerReport } from './procedures-report.js';
import { registerShow } from './procedures-show.js';
import { registerStats } from './procedures-stats.js';

const SUBCOMMANDS = [registerList, registerShow, registerStats, registerReport, registerRebuild];

/** `lumenmark procedures`: what was kept. */
export function register(program: Command): void {
  const procedures = program.command('procedures').description('procedures that were recorded, audited and kept');
  for (const registerSubcommand of SUBCOMMANDS) registerSubcommand(procedures);
  // Not inherited by commands that were created before it was set.
  for (const command of procedures.commands) command.exitOverride().showHelpAfterError('Run with --help to see the options.');
}
