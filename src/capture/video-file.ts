/** Questions to a video on the disk, outside of any capture: what it holds, and how a single frame of it looks. */
import { MediaError } from '../common/errors.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { probeInput, type Probe } from '../media/probe.js';
import type { FieldOfView } from './frame.js';
import type { CapturePlan } from './graph.js';
import { inputArguments, resolveInput, type Input } from './input.js';
import { maskFor } from './mask.js';
import { CaptureSession } from './session.js';

/** A sought file is decoded from here on before the wanted frame, so that an imprecise index cannot skip it. */
const PRE_ROLL_US = 5_000_000;
/** JPEG quality as ffmpeg counts: 2 is its best. */
const STILL_QUALITY = 2;
const LARGEST_SIDE = 16384;
const ANY_FPS = 1000;

/** @throws MediaError when it is no video, or none that can be decoded. */
export async function probeVideo(ffmpeg: Ffmpeg, path: string, signal?: AbortSignal): Promise<Probe> {
  const input = await videoInput(ffmpeg, path);
  const { options, address } = inputArguments(input, undefined, ffmpeg);
  return probeInput(ffmpeg, {
    inputOptions: options,
    input: address,
    context: { label: input.label, kind: 'file', ffmpegVersion: ffmpeg.version },
    ...(signal === undefined ? {} : { signal }),
  });
}

/**
 * The frame of a presentation time in full size, cut to the field of view and masked (whole where there is none), as JPEG.
 * @throws MediaError `frame-missing` when the video has no frame from that time on, or what ffmpeg says.
 */
export async function stillOf(ffmpeg: Ffmpeg, path: string, ptsUs: number, fieldOfView: FieldOfView | null): Promise<Uint8Array> {
  const input = await videoInput(ffmpeg, path);
  const seekUs = Math.max(0, ptsUs - PRE_ROLL_US);
  const plan: CapturePlan = {
    gray: null,
    preview: { fps: ANY_FPS, width: LARGEST_SIDE, quality: STILL_QUALITY },
    analysis: null,
    recording: null,
    form: fieldOfView && { width: fieldOfView.sourceWidth, height: fieldOfView.sourceHeight, pixelAspect: null, pixelFormat: null },
    cut: fieldOfView,
    mask: fieldOfView === null ? null : maskFor(fieldOfView, ffmpeg),
    wholePreview: fieldOfView === null,
    deinterlace: 'flagged',
    keepsTimes: true,
    paced: false,
    prompt: false,
    sinceUs: ptsUs,
  };
  const session = new CaptureSession({
    ffmpeg,
    input: inputArguments(input, undefined, ffmpeg),
    position: [...(seekUs > 0 ? ['-ss', (seekUs / 1e6).toFixed(6)] : []), '-copyts', '-start_at_zero'],
    plan,
    context: { label: input.label, kind: 'file', ffmpegVersion: ffmpeg.version },
    stallTimeoutMs: null,
    firstPictureTimeoutMs: null,
  });
  for await (const { role, data } of session.pictures()) if (role === 'preview') return data;
  if (session.outcome?.type === 'failed') throw session.outcome.error;
  throw new MediaError('frame-missing', `${input.label} has no frame at ${(ptsUs / 1e6).toFixed(3)} s any more.`, {
    remedy: 'It was cut off or replaced while it was read; audit it again when it is complete.',
  });
}

async function videoInput(ffmpeg: Ffmpeg, path: string): Promise<Input> {
  const input = await resolveInput(path, ffmpeg);
  if (input.kind === 'file') return input;
  throw new MediaError('no-video-file', `${path} is no video file.`, { remedy: 'Name a file that holds a video.' });
}
