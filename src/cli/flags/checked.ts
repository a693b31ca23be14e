import type { z } from 'zod';
import { UsageError } from '../../common/errors.js';

/**
 * The flags of a command as its schema reads them.
 * @throws UsageError `option` with the name of the flag.
 */
export function checkedFlags<Schema extends z.ZodType>(schema: Schema, raw: unknown): z.output<Schema> {
  const parsed = schema.safeParse(raw);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new UsageError('option', `${flagName(String(issue?.path[0] ?? ''))}: ${issue?.message ?? ''}`);
}

/** `groupColumn`, as commander calls it, is `--group-column`, as it was typed. */
export function flagName(key: string): string {
  return `--${key.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
}
