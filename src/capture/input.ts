/** From what a person writes after `--source` to what ffmpeg gets before and after `-i`. */
import { stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { MediaError, messageOf } from '../common/errors.js';
import type { Ffmpeg } from '../media/ffmpeg.js';
import { redact } from '../media/redact.js';
import type { SourceOptions } from './options.js';

export type InputKind = 'file' | 'device' | 'stream' | 'stills' | 'generated';

export interface Input {
  readonly kind: InputKind;
  /** For people; credentials removed. */
  readonly label: string;
  /** What follows `-i`; for stills the path of the folder or picture. */
  readonly address: string;
  /** Demuxer or device to ask for. */
  readonly format?: string;
}

const DEVICES = new Set(['v4l2', 'dshow', 'avfoundation', 'decklink']);
const STREAMS = new Set(['rtsp', 'rtsps', 'rtmp', 'rtmps', 'srt', 'udp', 'tcp', 'http', 'https', 'rtp']);
const STILL = /\.(?:jpe?g|png|tiff?|webp|bmp)$/i;

/**
 * Decides what a source is.
 * @throws MediaError when a path does not exist or cannot be read, or when this ffmpeg lacks the device or protocol.
 */
export async function resolveInput(source: string, ffmpeg: Ffmpeg): Promise<Input> {
  const scheme = /^([a-z][a-z0-9+]*):/i.exec(source)?.[1]?.toLowerCase() ?? '';
  const rest = source.slice(scheme.length + 1);
  if (scheme === 'lavfi') return { kind: 'generated', label: source, address: rest, format: 'lavfi' };
  if (DEVICES.has(scheme)) {
    demand(ffmpeg.capabilities.demuxers.has(scheme), 'format-unsupported', source, `no ${scheme} devices`, ffmpeg);
    return { kind: 'device', label: source, address: deviceAddress(scheme, rest), format: scheme };
  }
  if (STREAMS.has(scheme) && rest.startsWith('//')) {
    const protocol = scheme === 'rtsps' ? 'tls' : scheme === 'rtsp' ? 'tcp' : scheme;
    demand(ffmpeg.capabilities.protocols.has(protocol), 'protocol-unsupported', redact(source), `no ${scheme} protocol`, ffmpeg);
    return { kind: 'stream', label: redact(source), address: source };
  }
  // One letter is a drive of Windows.
  if (scheme.length > 1 && scheme !== 'file' && rest.startsWith('//')) {
    throw new MediaError(
      'protocol-unsupported',
      `${redact(source)} cannot be opened: ${scheme}:// is no kind of address that is known here.`,
      {
        remedy: `Addresses begin with ${[...STREAMS].map((name) => `${name}://`).join(', ')}; devices with v4l2: and the like.`,
      },
    );
  }
  return fileInput(scheme === 'file' ? (rest.startsWith('//') ? decodeURIComponent(new URL(source).pathname) : rest) : source);
}

async function fileInput(path: string): Promise<Input> {
  const absolute = resolve(path);
  const label = basename(absolute);
  // Whoever mistypes an address has it taken for a path, password and all.
  const shown = redact(path);
  let isDirectory: boolean;
  try {
    const found = await stat(absolute);
    isDirectory = found.isDirectory();
    if (found.isFile() && found.size === 0) {
      throw new MediaError('file-empty', `${shown} cannot be read: it is empty (0 bytes).`, {
        remedy: 'The recording or the copy was interrupted; copy it again.',
      });
    }
  } catch (error) {
    if (error instanceof MediaError) throw error;
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    const denied = code === 'EACCES' || code === 'EPERM';
    const missing = code === 'ENOENT' || code === 'ENOTDIR';
    const why = missing ? 'it does not exist' : denied ? 'permission was denied' : redact(messageOf(error));
    throw new MediaError(missing ? 'file-missing' : denied ? 'permission-denied' : 'file-unreadable', `${shown} cannot be read: ${why}.`, {
      remedy: missing ? 'Check the path; addresses begin with rtsp://, http:// …, devices with v4l2: …' : 'Check the permissions.',
      cause: error,
    });
  }
  if (isDirectory || STILL.test(absolute)) return { kind: 'stills', label, address: absolute };
  // The prefix keeps names with colons, percent signs or a leading dash from meaning anything to ffmpeg.
  return { kind: 'file', label, address: `file:${absolute}` };
}

function deviceAddress(scheme: string, name: string): string {
  if (scheme === 'dshow' && !name.startsWith('video=')) return `video=${name}`;
  if (scheme === 'v4l2' && /^\d+$/.test(name)) return `/dev/video${name}`;
  return name;
}

function demand(has: boolean, code: string, label: string, lack: string, ffmpeg: Ffmpeg): void {
  if (has) return;
  throw new MediaError(code, `${label} cannot be opened: ffmpeg ${ffmpeg.version} (${ffmpeg.path}) knows ${lack}.`, {
    remedy: 'Use a fuller build of ffmpeg with --ffmpeg PATH or FFMPEG_PATH.',
  });
}

/** True for inputs that come when they come: they cannot be paused, sought or read again. */
export function isLiveInput(input: Input): boolean {
  return input.kind === 'device' || input.kind === 'stream';
}

export interface InputArguments {
  /** What stands before `-i`. */
  readonly options: readonly string[];
  /** What stands after it. */
  readonly address: string;
}

/** Protocols that stay on this machine. */
const LOCAL = 'file,crypto,data';

/** ffmpeg's words for an input, without position and repetition. */
export function inputArguments(input: Input, settings: SourceOptions['input'], ffmpeg: Ffmpeg): InputArguments {
  const options: string[] = [];
  const { format, fps, size } = settings ?? {};
  switch (input.kind) {
    case 'generated':
      options.push('-f', 'lavfi');
      break;
    case 'device':
      options.push('-f', input.format ?? '', ...LOW_DELAY, ...deviceOptions(input.format ?? '', settings));
      break;
    case 'stream':
      if (format !== undefined) options.push('-f', format);
      options.push(...LOW_DELAY, ...streamOptions(input.address, ffmpeg));
      break;
    case 'file':
    case 'stills':
      // A playlist or reference movie must not make us read from the network.
      options.push('-protocol_whitelist', LOCAL);
      if (format !== undefined) options.push('-f', format);
      if (fps !== undefined) options.push('-r', String(fps));
      if (size !== undefined) options.push('-video_size', size);
      break;
  }
  return { options, address: input.kind === 'stream' ? streamAddress(input.address) : input.address };
}

/** The same when the bytes of a file come through a pipe. */
export function fedArguments({ options }: InputArguments): InputArguments {
  return { options: options.map((word) => (word === LOCAL ? 'pipe' : word)), address: 'pipe:0' };
}

// Slice threads: frame threads hold one frame back for every thread.
const LOW_DELAY = ['-fflags', 'nobuffer', '-flags', 'low_delay', '-thread_type', 'slice'];
const CONNECT_TIMEOUT_US = '10000000';

function deviceOptions(device: string, settings: SourceOptions['input']): string[] {
  const { format, fps, size } = settings ?? {};
  const options: string[] = [];
  if (fps !== undefined) options.push('-framerate', String(fps));
  if (size !== undefined && device !== 'decklink') options.push('-video_size', size);
  if (format !== undefined) options.push(...deviceFormat(device, format));
  if (device === 'v4l2') options.push('-thread_queue_size', '4');
  if (device === 'dshow') options.push('-rtbufsize', '64M');
  return options;
}

function deviceFormat(device: string, format: string): string[] {
  if (device === 'v4l2') return ['-input_format', format];
  if (device === 'decklink') return ['-format_code', format];
  if (device === 'dshow' && /^(?:mjpeg|h264|hevc|dvvideo)$/.test(format)) return ['-vcodec', format];
  return ['-pixel_format', format];
}

function streamOptions(address: string, ffmpeg: Ffmpeg): string[] {
  const scheme = address.slice(0, address.indexOf(':')).toLowerCase();
  const probing = ['-analyzeduration', '1000000', '-probesize', '1000000'];
  switch (scheme) {
    case 'rtsp':
    case 'rtsps':
      return [...probing, '-rtsp_transport', 'tcp', ffmpeg.capabilities.rtspTimeoutOption, CONNECT_TIMEOUT_US];
    case 'http':
    case 'https':
    case 'tcp':
      return [...probing, '-rw_timeout', CONNECT_TIMEOUT_US];
    default:
      return probing;
  }
}

/** UDP loses packets under load; that must not end the stream. */
function streamAddress(address: string): string {
  if (!/^udp:/i.test(address) || address.includes('overrun_nonfatal')) return address;
  return `${address}${address.includes('?') ? '&' : '?'}overrun_nonfatal=1&fifo_size=50000`;
}
