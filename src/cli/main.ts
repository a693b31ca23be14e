#!/usr/bin/env node
import { Command, CommanderError, Help } from 'commander';
import { LumenmarkError, messageOf, UsageError } from '../common/errors.js';
import { fileFaultOf } from '../common/file-fault.js';
import { version } from '../common/version.js';
import { register as registerAudit } from './audit.js';
import { register as registerDevices } from './devices.js';
import { register as registerDoctor } from './doctor.js';
import { register as registerEmbed } from './embed.js';
import { register as registerEvaluate } from './evaluate.js';
import { register as registerFinetune } from './finetune.js';
import { register as registerGallery } from './gallery.js';
import { register as registerLive } from './live.js';
import { register as registerModels } from './models.js';
import { register as registerPhantom } from './phantom.js';
import { register as registerProcedures } from './procedures.js';
import { register as registerSearch } from './search.js';
import { Interrupted } from './terminal/interrupt.js';

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

const program = new Command('lumenmark')
  .description('Real-time landmark tracker for gastrointestinal endoscopy. Research use only.')
  .version(version)
  .showHelpAfterError('Run with --help to see the options.')
  // A switch is off unless it is given: that needs no words.
  .configureHelp({ optionDescription: (option) => new Help().optionDescription(option).replace(/ ?\(default: (false|\[\])\)$/, '') })
  .exitOverride();

const COMMANDS = [
  registerLive,
  registerAudit,
  registerProcedures,
  registerDevices,
  registerGallery,
  registerSearch,
  registerEvaluate,
  registerFinetune,
  registerModels,
  registerEmbed,
  registerPhantom,
  registerDoctor,
];
for (const register of COMMANDS) register(program);

/** One line what failed and why, one line what to do; the stack only on request. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : EXIT_USAGE;
  const fault = fileFaultOf(error);
  console.error(`error: ${fault?.message ?? messageOf(error)}`);
  const remedy = error instanceof LumenmarkError ? error.remedy : fault?.remedy;
  if (remedy !== undefined) console.error(`       ${remedy}`);
  const isExpected = error instanceof LumenmarkError || error instanceof Interrupted || fault !== null;
  if (!isExpected || process.env['LUMENMARK_DEBUG'] !== undefined) console.error(error);
  return error instanceof UsageError ? EXIT_USAGE : EXIT_FAILED;
}

// Whoever reads the output may go away (a closed terminal, `| head`): what is being recorded must not die of it.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}

try {
  await program.parseAsync();
} catch (error) {
  process.exitCode = report(error);
}
