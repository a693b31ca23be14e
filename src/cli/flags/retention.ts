import type { Command } from 'commander';
import type { RetentionRules } from '../../procedure/retention.js';
import { positive } from './values.js';

export interface RetentionFlags {
  readonly keepDays?: number;
  readonly keepGb?: number;
}

const BYTES_PER_GB = 1e9;

/** Adds the rules by which old procedures go. */
export function withRetention(command: Command, when = ''): Command {
  return command
    .option('--keep-days <n>', `delete procedures that are older${when}; never those marked for audit`, positive)
    .option(
      '--keep-gb <n>',
      `delete the oldest until the rest is no larger${when} (1 GB = 10⁹ bytes); never those marked for audit`,
      positive,
    );
}

/** Null when no rule was given: then everything stays. */
export function retentionRules({ keepDays, keepGb }: RetentionFlags): RetentionRules | null {
  if (keepDays === undefined && keepGb === undefined) return null;
  return { keepDays: keepDays ?? null, keepBytes: keepGb === undefined ? null : keepGb * BYTES_PER_GB };
}
