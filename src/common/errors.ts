/**
 * The named errors of Lumenmark. Every error that a user can meet says what thing failed, why, and what to do about it:
 * `message` holds the thing and the cause in one line, `remedy` the way out in one line.
 */
export interface LumenmarkErrorOptions {
  /** The underlying error, kept for logs. */
  readonly cause?: unknown;
  /** What the reader can do about it, one line. */
  readonly remedy?: string;
}

/** Base of all errors thrown on purpose. `code` is stable and kebab-case, for programs; `message` is for people. */
export class LumenmarkError extends Error {
  override readonly name: string = 'LumenmarkError';
  readonly code: string;
  readonly remedy: string | undefined;

  constructor(code: string, message: string, options: LumenmarkErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.remedy = options.remedy;
  }
}

/** An option, argument or call is wrong; the command line exits with 2. */
export class UsageError extends LumenmarkError {
  override readonly name = 'UsageError';
}

/** A source, a picture or ffmpeg itself failed. */
export class MediaError extends LumenmarkError {
  override readonly name = 'MediaError';
}

/** A checkpoint, a graph or an execution provider failed or was refused. */
export class ModelError extends LumenmarkError {
  override readonly name = 'ModelError';
}

/** A gallery or its index is missing, damaged, empty, or made with another model. */
export class GalleryError extends LumenmarkError {
  override readonly name = 'GalleryError';
}

/** A procedure's folder, its journal or the home that holds it is missing, in use, damaged, or not to be changed. */
export class ProcedureError extends LumenmarkError {
  override readonly name = 'ProcedureError';
}

/** Message of anything thrown, for logs and for wrapping foreign errors. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Whether something failed since a disk or a quota is full, itself or what caused it. */
export function isDiskFull(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const code = 'code' in error ? error.code : undefined;
  return code === 'ENOSPC' || code === 'EDQUOT' || code === 'EFBIG' || isDiskFull(error.cause);
}
