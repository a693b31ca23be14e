import { MediaError } from '../common/errors.js';
import { failureFrom, type FailureContext } from './failure.js';
import type { Ffmpeg } from './ffmpeg.js';
import { runFfmpegJob } from './fluent.js';
import { parseShowinfo, type PictureShape } from './shape.js';

/** What an input holds, told by decoding its first pictures. */
export interface Probe extends PictureShape {
  /** ffmpeg's name of the video codec, `h264`. */
  readonly codec: string;
  /** Frames per second as the container states it, or null. */
  readonly fps: number | null;
  /** Null for live or unfinished inputs. */
  readonly durationUs: number | null;
}

export interface ProbeOptions {
  readonly inputOptions: readonly string[];
  readonly input: string;
  readonly context: FailureContext;
  /** Default 30000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/** So many pictures show whether a source is interlaced, even when its first ones are stills. */
const PICTURES = 6;
/** Beyond this no encoder here takes a picture, and no endoscope makes one. */
const MAX_SIDE = 16384;

/**
 * Decodes the first pictures of a finite input. There is no ffprobe in the packaged ffmpeg, and stream headers do not tell the truth about
 * rotation, size and interlacing; the decoded pictures do.
 * @throws MediaError that names the cause when no picture can be decoded.
 */
export async function probeInput(ffmpeg: Ffmpeg, options: ProbeOptions): Promise<Probe> {
  const { context } = options;
  const timeoutMs = options.timeoutMs ?? 30_000;
  const { ok, lines, timedOut } = await runFfmpegJob(ffmpeg, {
    inputOptions: ['-hide_banner', '-nostdin', '-loglevel', 'repeat+level+info', ...options.inputOptions],
    input: options.input,
    outputOptions: ['-map', '0:V:0', '-vf', 'showinfo', '-frames:v', String(PICTURES), '-an', '-sn', '-dn', '-f', 'null'],
    output: '-',
    timeoutMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  const shapes = lines.map(parseShowinfo).filter((shape) => shape !== null);
  const first = shapes[0];
  if (first === undefined) {
    if (timedOut) {
      throw new MediaError('timed-out', `${context.label} cannot be read: no picture came within ${timeoutMs / 1000} s.`, {
        remedy: 'Check that the file is complete and its disk answers.',
      });
    }
    if (ok) {
      throw new MediaError('no-picture', `${context.label} cannot be read: it holds no picture that can be decoded.`, {
        remedy: 'It may be cut off right after its header; play it with another program to check it.',
        cause: lines.join('\n'),
      });
    }
    throw failureFrom(lines, context);
  }
  if (first.width > MAX_SIDE || first.height > MAX_SIDE) {
    throw new MediaError('picture-too-large', `${context.label} cannot be used: its picture is ${first.width} × ${first.height} pixels.`, {
      remedy: `Reduce it to at most ${MAX_SIDE} pixels a side.`,
    });
  }
  const stream = lines.find((line) => / Stream #0:\d+.*: Video: /.test(line)) ?? '';
  const fps = /, ([\d.]+)(k?) (?:fps|tbr)/.exec(stream);
  return {
    ...first,
    interlaced: shapes.some((shape) => shape.interlaced),
    codec: /: Video: ([\w-]+)/.exec(stream)?.[1] ?? 'unknown',
    fps: fps === null ? null : Number(fps[1]) * (fps[2] === 'k' ? 1000 : 1),
    durationUs: durationUsOf(lines),
  };
}

function durationUsOf(lines: readonly string[]): number | null {
  for (const line of lines) {
    const match = /Duration: (\d+):(\d\d):(\d\d(?:\.\d+)?)/.exec(line);
    if (match !== null) return Math.round((Number(match[1]) * 3600 + Number(match[2]) * 60 + Number(match[3])) * 1e6);
  }
  return null;
}
