/**
 * The one file that knows fluent-ffmpeg (archived upstream): it runs short ffmpeg jobs to their end, where its option handling, time
 * limit and line events save us work. Long-running captures go through `FfmpegProcess`, which fluent-ffmpeg could not end or throttle.
 */
import createCommand from 'fluent-ffmpeg';
import type { Ffmpeg } from './ffmpeg.js';

export interface FfmpegJob {
  /** Options that stand before `-i`, names and values as single words: none, or at least two. */
  readonly inputOptions?: readonly string[];
  readonly input: string;
  readonly outputOptions: readonly string[];
  /** A file, or `-` with the null muxer. */
  readonly output: string;
  readonly timeoutMs: number;
  readonly signal?: AbortSignal;
}

export interface FfmpegJobResult {
  readonly ok: boolean;
  readonly timedOut: boolean;
  /** stderr, last 400 lines, as ffmpeg wrote them: redact before showing. */
  readonly lines: readonly string[];
}

const KEPT_LINES = 400;

/** Runs one job to its end; a failed job is a result, not an exception. @throws the reason of an aborted signal. */
export function runFfmpegJob(ffmpeg: Pick<Ffmpeg, 'path'>, job: FfmpegJob): Promise<FfmpegJobResult> {
  job.signal?.throwIfAborted();
  return new Promise((resolve, reject) => {
    const lines: string[] = [];
    const command = createCommand({ stdoutLines: 1 }).setFfmpegPath(ffmpeg.path);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      command.kill('SIGKILL');
    }, job.timeoutMs);
    const abort = (): void => {
      command.kill('SIGKILL');
    };
    const finish = (ok: boolean): void => {
      clearTimeout(timer);
      job.signal?.removeEventListener('abort', abort);
      if (job.signal?.aborted === true) reject(job.signal.reason instanceof Error ? job.signal.reason : new Error('aborted'));
      else resolve({ ok, timedOut, lines });
    };
    job.signal?.addEventListener('abort', abort, { once: true });
    command.input(job.input);
    // Given as several arguments they are words and stay whole; as an array they would be split at spaces.
    if (job.inputOptions !== undefined && job.inputOptions.length > 1) command.inputOptions(...job.inputOptions);
    command
      .outputOptions(...job.outputOptions)
      .output(job.output)
      .on('stderr', (line: string) => {
        lines.push(line);
        if (lines.length > KEPT_LINES) lines.shift();
      })
      .on('error', (error: Error) => {
        if (lines.length === 0) lines.push(error.message);
        finish(false);
      })
      .on('end', () => {
        finish(true);
      })
      .run();
  });
}
