/** Ctrl-C or SIGTERM. No error of a picture or a video, so that nothing that goes on after those takes it for one. */
export class Interrupted extends Error {
  override readonly name = 'Interrupted';
}

/** Runs work that Ctrl-C and SIGTERM abort, so that it can clean up behind itself; a second Ctrl-C ends the process at once. */
export async function abortable<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
  const controller = new AbortController();
  const abort = (): void => {
    controller.abort(new Interrupted('interrupted'));
  };
  process.once('SIGINT', abort);
  process.once('SIGTERM', abort);
  try {
    return await work(controller.signal);
  } finally {
    process.off('SIGINT', abort);
    process.off('SIGTERM', abort);
  }
}
