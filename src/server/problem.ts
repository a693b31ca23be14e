import { LumenmarkError, MediaError, UsageError } from '../common/errors.js';

/** An answer in `application/problem+json` (RFC 9457) with the code and remedy of our errors. */
export interface Problem {
  title: string;
  status: number;
  code: string;
  message: string;
  remedy?: string;
}

/** An error that knows its HTTP status. */
export class HttpError extends LumenmarkError {
  override readonly name = 'HttpError';
  readonly status: number;

  constructor(status: number, code: string, message: string, options: { remedy?: string; cause?: unknown } = {}) {
    super(code, message, options);
    this.status = status;
  }
}

const TITLES: Readonly<Record<number, string>> = {
  400: 'Bad request',
  401: 'Token required',
  403: 'Forbidden',
  404: 'Not found',
  405: 'Method not allowed',
  409: 'Conflict',
  412: 'Precondition failed',
  413: 'Too large',
  415: 'Unsupported media type',
  416: 'Range not satisfiable',
  422: 'Cannot be done with this',
  426: 'Upgrade required',
  500: 'Internal error',
  507: 'No room left',
};

function statusOf(error: LumenmarkError): number {
  if (error instanceof HttpError) return error.status;
  if (error instanceof UsageError) return 400;
  if (error instanceof MediaError) return 422;
  return 409;
}

/** What a client may know of an error: everything of those thrown on purpose, nothing of the others. */
export function problemOf(error: unknown): Problem {
  if (!(error instanceof LumenmarkError)) {
    const message = 'The server failed at this request; its log says why.';
    return { title: 'Internal error', status: 500, code: 'internal', message };
  }
  const status = statusOf(error);
  const problem = { title: TITLES[status] ?? 'Error', status, code: error.code, message: error.message };
  return error.remedy === undefined ? problem : { ...problem, remedy: error.remedy };
}
