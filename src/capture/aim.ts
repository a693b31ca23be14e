/** What the next session of ffmpeg is asked for. Pure. */
import type { Ffmpeg } from '../media/ffmpeg.js';
import type { PictureShape } from '../media/shape.js';
import { cutOf, fixedFieldOfView } from './fixed-field-of-view.js';
import type { FieldOfView } from './frame.js';
import type { CapturePlan } from './graph.js';
import { maskFor } from './mask.js';
import type { SourceOptions } from './options.js';

const GRAY_WIDTH = 320;
/** Pictures a second to look for the field of view in. */
const SEARCH_FPS = { live: 12, file: 3 };
/** A sought file is decoded from here on before the wanted frame, so that an imprecise index cannot skip it. */
const PRE_ROLL_US = 5_000_000;
const DEFAULT_QUALITY = 4;

/** What is known by now of what the next session is to do. */
export interface Aim {
  /** Of the source's pictures, as far as they were seen. */
  shape: PictureShape | null;
  fieldOfView: FieldOfView | null;
  /** Finite inputs: the first frame wanted, µs on the input's own clock. */
  sinceUs: number | null;
  /** Looped inputs: where in the file to begin, and at what time of the consumer's clock. */
  resume: { readonly seekUs: number; readonly ptsUs: number } | null;
  deinterlace: CapturePlan['deinterlace'];
}

/** @param shape Of a finite input, which was looked at; null for a live one. */
export function firstAim(options: SourceOptions, shape: PictureShape | null): Aim {
  return {
    shape,
    fieldOfView: shape === null ? null : fixedFieldOfView(options, shape),
    sinceUs: null,
    resume: null,
    deinterlace: deinterlacing(options, shape),
  };
}

export function deinterlacing(options: SourceOptions, shape: PictureShape | null): CapturePlan['deinterlace'] {
  const asked = options.deinterlace ?? 'auto';
  if (asked === 'on') return 'all';
  return asked === 'auto' && shape?.interlaced === true ? 'flagged' : 'none';
}

export function isFieldOfViewSought(options: SourceOptions): boolean {
  return (options.fieldOfView ?? 'auto') === 'auto';
}

/** Gray pictures only: until the field of view is known, nothing else leaves ffmpeg. */
export function searchPlan({ shape, sinceUs, deinterlace }: Aim, finite: boolean): CapturePlan {
  return {
    gray: { width: GRAY_WIDTH, fps: finite ? SEARCH_FPS.file : SEARCH_FPS.live },
    preview: null,
    analysis: null,
    recording: null,
    form: finite ? shape : null,
    cut: null,
    mask: null,
    wholePreview: false,
    deinterlace,
    keepsTimes: finite,
    paced: false,
    prompt: !finite,
    sinceUs,
  };
}

/** Everything that was asked for, and gray pictures to watch the field of view by. */
export function capturePlan(
  { shape, fieldOfView, sinceUs, deinterlace }: Aim,
  options: SourceOptions,
  { ffmpeg, finite, recording }: { readonly ffmpeg: Ffmpeg; readonly finite: boolean; readonly recording: CapturePlan['recording'] },
): CapturePlan {
  const { preview, analysis, keepBorders, pace } = options;
  return {
    gray: isFieldOfViewSought(options) ? { width: GRAY_WIDTH, fps: null } : null,
    preview: preview === null ? null : { ...preview, quality: preview.quality ?? DEFAULT_QUALITY },
    analysis,
    recording,
    form: shape,
    cut: cutOf(fieldOfView, options),
    mask: fieldOfView === null ? null : maskFor(fieldOfView, ffmpeg),
    wholePreview: keepBorders === true,
    deinterlace,
    keepsTimes: finite,
    paced: finite && pace === 'realtime',
    prompt: !finite || pace === 'realtime',
    sinceUs,
  };
}

/**
 * Options before `-i` that place and repeat a file. Its own clock is kept (`-copyts`), so that a frame has the same time in whichever session it
 * is read.
 */
export function positionOptions({ resume, sinceUs }: Aim, loop: boolean): string[] {
  const seekUs = resume?.seekUs ?? Math.max(0, (sinceUs ?? 0) - PRE_ROLL_US);
  return [
    ...(loop && seekUs === 0 ? ['-stream_loop', '-1'] : []),
    ...(seekUs > 0 ? ['-ss', (seekUs / 1e6).toFixed(6)] : []),
    ...['-copyts', '-start_at_zero'],
  ];
}
