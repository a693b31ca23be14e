/** Finds an H.264 encoder that works here, by letting each encode a few pictures just as a recording would. */
import { execFile } from 'node:child_process';
import type { Ffmpeg } from './ffmpeg.js';
import { MatroskaDemuxer } from './matroska.js';

export interface VideoEncoder {
  /** ffmpeg's name of it. */
  readonly name: string;
  /** Options that stand before the inputs. */
  readonly device: readonly string[];
  /** What pictures pass before they are encoded. */
  readonly filters: readonly string[];
  /** Options and values, in pairs. */
  readonly options: readonly (readonly [option: string, value: string])[];
}

/** A crash loses no more than what follows the last key frame; a search in the video begins at one. */
const KEYFRAME_EVERY_S = 0.5;
const PROBE_TIMEOUT_MS = 8000;

// A frame leaves as soon as it is in: no look-ahead, no reordering. The expression, and not a distance in frames, since frames come at any
// rate, and after a pause the first one must be decodable.
const COMMON: VideoEncoder['options'] = [
  ['-bf', '0'],
  ['-force_key_frames', `expr:isnan(prev_forced_t)+gte(t,prev_forced_t+${KEYFRAME_EVERY_S})`],
];
const YUV420 = ['format=yuv420p'];
const NV12 = ['format=nv12'];

const HARDWARE: readonly VideoEncoder[] = [
  {
    name: 'h264_nvenc',
    device: [],
    filters: YUV420,
    options: [
      ['-rc', 'vbr'],
      ['-cq', '21'],
      ['-b', '0'],
      ['-zerolatency', '1'],
      ['-delay', '0'],
      ['-forced-idr', '1'],
      ['-g', '600'],
      ...COMMON,
    ],
  },
  {
    name: 'h264_vaapi',
    device: ['-vaapi_device', '/dev/dri/renderD128'],
    filters: [...NV12, 'hwupload'],
    options: [['-qp', '21'], ['-g', '600'], ...COMMON],
  },
  {
    name: 'h264_qsv',
    device: [],
    filters: NV12,
    options: [['-global_quality', '21'], ['-async_depth', '1'], ['-look_ahead', '0'], ['-forced_idr', '1'], ['-g', '600'], ...COMMON],
  },
  {
    name: 'h264_videotoolbox',
    device: [],
    filters: YUV420,
    options: [['-b', '20M'], ['-realtime', '1'], ['-g', '600'], ...COMMON],
  },
  {
    name: 'h264_v4l2m2m',
    device: [],
    filters: YUV420,
    options: [
      ['-b', '20M'],
      ['-g', '15'],
    ],
  },
];

const SOFTWARE: readonly VideoEncoder[] = [
  {
    name: 'libx264',
    device: [],
    filters: YUV420,
    options: [
      ['-preset', 'ultrafast'],
      ['-tune', 'zerolatency'],
      ['-crf', '21'],
      ['-threads', '2'],
      ['-g', '600'],
      ['-forced-idr', '1'],
      ...COMMON,
    ],
  },
];

const found = new Map<string, Promise<VideoEncoder | null>>();

/** The first of the hardware encoders that works, else libx264; null when this ffmpeg has none. Asked once per binary. */
export function findH264Encoder(ffmpeg: Ffmpeg): Promise<VideoEncoder | null> {
  let search = found.get(ffmpeg.path);
  if (search === undefined) {
    search = firstThatWorks(ffmpeg, [...HARDWARE, ...SOFTWARE]);
    found.set(ffmpeg.path, search);
  }
  return search;
}

async function firstThatWorks(ffmpeg: Ffmpeg, candidates: readonly VideoEncoder[]): Promise<VideoEncoder | null> {
  for (const encoder of candidates) {
    if (ffmpeg.capabilities.encoders.has(encoder.name) && (await encoderWorks(ffmpeg, encoder))) return encoder;
  }
  return null;
}

/** Whether it encodes, tells decoders what they need, and begins with a key frame. */
function encoderWorks(ffmpeg: Pick<Ffmpeg, 'path'>, encoder: VideoEncoder): Promise<boolean> {
  const { device, filters, options } = encoder;
  const words = [
    ...['-hide_banner', '-nostdin', '-v', 'error', ...device],
    ...[
      '-f',
      'lavfi',
      '-i',
      'color=gray:s=640x480:r=30',
      '-frames:v',
      '6',
      '-filter_complex',
      `[0:v]${filters.join(',')}[o]`,
      '-map',
      '[o]',
    ],
    ...['-c:v', encoder.name, ...options.flatMap(([option, value]) => [`${option}:v`, value])],
    ...['-f', 'matroska', 'pipe:1'],
  ];
  return new Promise((resolve) => {
    execFile(ffmpeg.path, words, { timeout: PROBE_TIMEOUT_MS, encoding: 'buffer', windowsHide: true }, (error, stdout) => {
      if (error !== null) {
        resolve(false);
        return;
      }
      const demuxer = new MatroskaDemuxer();
      const packets = [...demuxer.push(stdout)];
      resolve(packets.length === 6 && packets[0]?.keyframe === true && demuxer.tracks[0]?.codecPrivate !== null);
    });
  });
}
