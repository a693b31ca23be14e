/** Turns what ffmpeg wrote before it gave up into an error that names the thing, the cause and the remedy. */
import { MediaError } from '../common/errors.js';
import { redact } from './redact.js';

export interface FailureContext {
  /** The input as people know it: a path, an address without credentials, a device. */
  readonly label: string;
  readonly kind: 'file' | 'device' | 'stream' | 'generated';
  /** Version of the ffmpeg that failed. */
  readonly ffmpegVersion: string;
}

interface Rule {
  readonly code: string;
  readonly pattern: RegExp;
  readonly cause: (match: RegExpExecArray) => string;
  readonly remedy: string | ((context: FailureContext) => string);
}

const OTHER_FFMPEG = (context: FailureContext): string =>
  `ffmpeg ${context.ffmpegVersion} cannot do this; use a fuller build with --ffmpeg PATH or FFMPEG_PATH.`;

// In order: what names a cause stands before what only says that something went wrong.
const RULES: readonly Rule[] = [
  {
    code: 'outside-picture',
    pattern: /Invalid too big or non positive size for width|Invalid too big or non positive size for height/i,
    cause: () => 'the field of view asked for does not lie inside its picture',
    remedy: 'Choose a rectangle inside the picture with --field-of-view WxH+X+Y, or auto.',
  },
  {
    code: 'option-refused',
    pattern: /Option (\S+) not found|Error setting option (\S+)/i,
    cause: (match) => `this input takes no option ${match[1] ?? match[2] ?? ''}`,
    remedy: 'Leave out --input-format, --input-size or --input-fps, or correct them; "lumenmark devices" lists what devices take.',
  },
  {
    code: 'protocol-unsupported',
    pattern: /Protocol not found/i,
    cause: () => 'this ffmpeg does not know the protocol',
    remedy: OTHER_FFMPEG,
  },
  {
    code: 'format-unsupported',
    pattern: /Unknown input format: '?([^'\s]+)/i,
    cause: (match) => `this ffmpeg has no input format ${match[1] ?? ''}`,
    remedy: OTHER_FFMPEG,
  },
  {
    code: 'device-busy',
    pattern: /Device or resource busy|device is already in use|already in use by another|Cannot lock/i,
    cause: () => 'another program is using it',
    remedy: 'Close the other program (lsof names it on Linux), then try again.',
  },
  {
    code: 'device-absent',
    pattern:
      /No such device|Could not find video device|Video device not found|Could not set video options|Invalid device index|Could not find '.*' device|could not enumerate/i,
    cause: () => 'no such device is connected',
    remedy: 'Run "lumenmark devices" for what is connected, and check the cable.',
  },
  {
    code: 'device-not-video',
    pattern: /Not a video capture device|Inappropriate ioctl/i,
    cause: () => 'it is not a video capture device',
    remedy: 'Run "lumenmark devices" for those that are; cards often show a second, metadata-only device.',
  },
  {
    code: 'device-format-refused',
    pattern:
      /ioctl\(VIDIOC_S_(?:FMT|PARM)\)|Cannot find a proper format|The driver changed the video|Selected (?:framerate|video size|pixel format).* is not supported|Could not set video options/i,
    cause: () => 'it refused the requested format, size or rate',
    remedy: 'Choose --input-format, --input-size and --input-fps from what "lumenmark devices" lists.',
  },
  {
    code: 'permission-denied',
    pattern: /Permission denied|Operation not permitted|EACCES/i,
    cause: () => 'permission was denied',
    remedy: (context) =>
      context.kind === 'device'
        ? 'Give this user access to the device (Linux: join the group "video"; macOS: allow the camera for the terminal).'
        : 'Check the permissions of the file and of the folders above it.',
  },
  {
    code: 'unauthorized',
    pattern: /\b401 Unauthorized|\b403 Forbidden|authorization failed|HTTP error 40[13]/i,
    cause: () => 'the server refused the credentials',
    remedy: 'Check user name and password in the address (special characters must be percent-encoded).',
  },
  {
    code: 'stream-not-found',
    pattern: /\b404 Not Found|HTTP error 404|\b4\d\d [A-Z][\w ]+|NetStream\.Play\.StreamNotFound|Server returned 4/,
    cause: () => 'the server does not have it',
    remedy: 'Check the path of the address.',
  },
  {
    code: 'server-error',
    pattern: /Server returned 5|HTTP error 5\d\d|\b5\d\d (?:Internal|Bad Gateway|Service)/i,
    cause: () => 'the server answered with an error of its own',
    remedy: 'Look at the server; Lumenmark tries again by itself while it is live.',
  },
  {
    code: 'connection-refused',
    pattern: /Connection refused/i,
    cause: () => 'the connection was refused',
    remedy: 'Check that the sender runs and that the port is right.',
  },
  {
    code: 'unreachable',
    pattern:
      /Failed to resolve hostname|Name or service not known|nodename nor servname|Temporary failure in name resolution|No route to host|Network is unreachable|Host is down/i,
    cause: () => 'the host cannot be reached',
    remedy: 'Check the name, the cable and the network.',
  },
  {
    code: 'timed-out',
    pattern: /timed out|Connection reset by peer.*timeout|ETIMEDOUT|Operation timed out|Unknown error.*timeout/i,
    cause: () => 'no answer came in time',
    remedy: 'Check that the sender runs; for streams also the firewall and, for RTSP, that it offers TCP.',
  },
  {
    code: 'connection-lost',
    pattern: /Connection reset by peer|Broken pipe.*input|Software caused connection abort/i,
    cause: () => 'the sender closed the connection',
    remedy: 'Check the sender.',
  },
  {
    code: 'file-missing',
    pattern: /No such file or directory/i,
    cause: () => 'it does not exist',
    remedy: (context) => (context.kind === 'device' ? 'Run "lumenmark devices" for what is connected.' : 'Check the path.'),
  },
  {
    code: 'not-a-file',
    pattern: /Is a directory/i,
    cause: () => 'it is a folder',
    remedy: 'Name a video file, or a folder that holds pictures.',
  },
  {
    code: 'no-video',
    pattern: /matches no streams|does not contain any stream|Output file is empty.*no streams|no video stream/i,
    cause: () => 'it has no video stream',
    remedy: 'Choose a file or stream with a picture.',
  },
  {
    code: 'codec-unknown',
    // A codec without a name has at best the four letters by which its container calls it.
    pattern: /Video: none(?: \(([^\s/]+) \/ 0x[\da-f]+\))?[\s\S]*(?:Decoder \(codec none\) not found|no decoder found)/i,
    cause: ([, tag]) => `this ffmpeg does not know its codec${tag === undefined ? '' : ` (${tag})`}`,
    remedy: OTHER_FFMPEG,
  },
  {
    code: 'codec-unknown',
    pattern:
      /Decoder \(codec (\S+)\) not found|Unknown decoder '?([^'\s]+)|Decoding requested, but no decoder found|Decoder (\S+) not found/i,
    cause: (match) => `this ffmpeg has no decoder for its codec (${match[1] ?? match[2] ?? match[3] ?? 'unknown'})`,
    remedy: OTHER_FFMPEG,
  },
  {
    code: 'encrypted',
    pattern: /encrypted|decryption key/i,
    cause: () => 'it is encrypted',
    remedy: 'Export it without protection.',
  },
  {
    code: 'picture-too-large',
    pattern: /Picture size \S+ is invalid|Invalid frame dimensions|dimensions too large|Cannot allocate memory|video_size .*too large/i,
    cause: () => 'its picture is absurdly large or it claims a size that cannot be',
    remedy: 'Check the file; reduce the picture below 16384 pixels a side.',
  },
  {
    code: 'incomplete-file',
    pattern:
      /moov atom not found|Format .* detected only with low score.*\n?.*moov|Truncating packet|partial file|EBML header parsing failed|File ended prematurely/i,
    cause: () => 'its index is missing: it is incomplete, or no video at all',
    remedy: 'The recording or the copy was interrupted; copy it again, or repair it with ffmpeg or untrunc.',
  },
  {
    code: 'codec-unknown',
    pattern: /Could not find codec parameters for stream .*Video: (\S+)|unspecified (?:pixel format|size)/i,
    cause: (match) => `its video cannot be decoded (${(match[1] ?? 'unknown codec').replace(/[,()]/g, '')})`,
    remedy: 'It may be damaged, or in a codec that this ffmpeg lacks; try a newer ffmpeg with --ffmpeg PATH.',
  },
  {
    code: 'invalid-data',
    pattern: /Invalid data found when processing input|could not find .* header|Invalid NAL unit|non-existing PPS/i,
    cause: () => 'it is damaged, or no video at all',
    remedy: 'Play it with another program to check it; "lumenmark live" can be told its format with --input-format.',
  },
  {
    code: 'input-output-error',
    pattern: /Input\/output error|I\/O error/i,
    cause: () => 'reading it failed',
    remedy: ({ kind }) =>
      kind === 'file'
        ? 'Check the disk.'
        : kind === 'device'
          ? 'Run "lumenmark devices", and check the cable.'
          : 'Check that the sender runs, and the address; of SRT also its mode and passphrase.',
  },
  {
    code: 'connection-lost',
    pattern: /End of file/i,
    cause: () => 'it ended before a picture came',
    remedy: 'Check the sender.',
  },
];

/** The error that explains `lines` (stderr of ffmpeg, oldest first). */
export function failureFrom(lines: readonly string[], context: FailureContext): MediaError {
  const text = redact(lines.join('\n'));
  for (const rule of RULES) {
    const match = rule.pattern.exec(text);
    if (match === null) continue;
    return new MediaError(rule.code, `${context.label} cannot be read: ${rule.cause(match)}.`, {
      remedy: typeof rule.remedy === 'string' ? rule.remedy : rule.remedy(context),
      cause: text,
    });
  }
  const last = lines.filter((line) => /\[(?:error|fatal)\]/.test(line)).at(-1) ?? lines.at(-1);
  const said = last === undefined ? 'ffmpeg ended without a word' : `ffmpeg said "${shortened(redact(last))}"`;
  return new MediaError('ffmpeg-failed', `${context.label} cannot be read: ${said}.`, {
    remedy: 'Try to play it with ffplay or another program; with LUMENMARK_DEBUG=1 in the environment all that ffmpeg said is printed.',
    cause: text,
  });
}

/** Removes ffmpeg's own decoration from one of its lines: `[mov @ 0x55…] [error] moov …` becomes `moov …`. */
export function shortened(line: string): string {
  return line
    .replace(/\[[^\]]* @ 0x[0-9a-f]+\]\s*/gi, '')
    .replace(/\[(?:quiet|panic|fatal|error|warning|info|verbose|debug)\]\s*/g, '')
    .trim()
    .slice(0, 200);
}
