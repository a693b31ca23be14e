import { execFile } from 'node:child_process';

/** What an ffmpeg binary was built with. */
export interface Capabilities {
  /** Includes capture devices (`v4l2`, `dshow`, …), by every name they answer to. */
  readonly demuxers: ReadonlySet<string>;
  /** Protocols that can be read from. */
  readonly protocols: ReadonlySet<string>;
  readonly decoders: ReadonlySet<string>;
  readonly encoders: ReadonlySet<string>;
  readonly filters: ReadonlySet<string>;
  /** Name of the RTSP demuxer's time-out option: `-timeout` meant "listen" before it replaced `-stimeout`. */
  readonly rtspTimeoutOption: '-stimeout' | '-timeout';
  /** Name of the option that decides over doubled and dropped frames. */
  readonly frameSyncOption: '-vsync' | '-fps_mode';
}

const LIST_TIMEOUT_MS = 20_000;

/** Asks the binary at `path` for its lists. @throws the error of `execFile` when it cannot be run. */
export async function readCapabilities(path: string): Promise<Capabilities> {
  const [demuxers, devices, protocols, decoders, encoders, filters, rtsp, help] = await Promise.all(
    [['-demuxers'], ['-devices'], ['-protocols'], ['-decoders'], ['-encoders'], ['-filters'], ['-h', 'demuxer=rtsp'], ['-h', 'long']].map(
      (list) => runList(path, ...list),
    ),
  );
  return {
    demuxers: new Set([...demuxerNames(demuxers ?? ''), ...demuxerNames(devices ?? '')]),
    protocols: inputProtocols(protocols ?? ''),
    decoders: videoCodecNames(decoders ?? ''),
    encoders: videoCodecNames(encoders ?? ''),
    filters: filterNames(filters ?? ''),
    rtspTimeoutOption: (rtsp ?? '').includes('-stimeout') ? '-stimeout' : '-timeout',
    frameSyncOption: (help ?? '').includes('-fps_mode') ? '-fps_mode' : '-vsync',
  };
}

export function runList(path: string, ...args: string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    execFile(path, ['-hide_banner', ...args], { timeout: LIST_TIMEOUT_MS, maxBuffer: 16 * 2 ** 20, windowsHide: true }, (error, stdout) => {
      if (error === null) resolve(stdout);
      else reject(new Error(error.message, { cause: error }));
    });
  });
}

/** Lines ` DE name1,name2   Description`; a third column marks devices in newer releases. */
function demuxerNames(list: string): string[] {
  return [...list.matchAll(/^ D[E ](?:[d. ])? ?([a-z0-9][\w,-]*)(?:\s|$)/gm)].flatMap((match) => (match[1] ?? '').split(','));
}

/** Lines ` V....D name   Description`. */
function videoCodecNames(list: string): Set<string> {
  return new Set([...list.matchAll(/^ V[A-Z.]{5} (\w[\w-]*)/gm)].map((match) => match[1] ?? ''));
}

function filterNames(list: string): Set<string> {
  return new Set([...list.matchAll(/^ [A-Z.|]{2,3}\s+(\w+)\s+\S+->\S+/gm)].map((match) => match[1] ?? ''));
}

function inputProtocols(list: string): Set<string> {
  const input = /Input:\s*\n([\s\S]*?)(?:Output:|$)/.exec(list)?.[1] ?? '';
  return new Set(input.split('\n').map(trimmed).filter(Boolean));
}

function trimmed(line: string): string {
  return line.trim();
}
