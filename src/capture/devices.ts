import { execFile } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import type { Ffmpeg } from '../media/ffmpeg.js';
import {
  parseAvfoundationDevices,
  parseDecklinkDevices,
  parseDecklinkFormats,
  parseDshowDevices,
  parseDshowFormats,
  parseV4l2Formats,
  type DeviceMode,
} from './device-lists.js';

export type { DeviceMode } from './device-lists.js';

/** A capture device of this machine. */
export interface CaptureDevice {
  /** To be opened as, `v4l2:/dev/video0`. */
  readonly source: string;
  readonly name: string;
  readonly modes: readonly DeviceMode[];
  /** The modes for people, one line each: `mjpeg 640x480 1920x1080, up to 30 fps`. */
  readonly formats: string[];
  /** Why its modes could not be read; it may be in use. */
  readonly trouble?: string;
}

const LIST_TIMEOUT_MS = 10_000;

/** What can be opened as a source on this machine with this ffmpeg; empty where it knows no capture devices. */
export async function listDevices(ffmpeg: Ffmpeg): Promise<CaptureDevice[]> {
  const { demuxers } = ffmpeg.capabilities;
  const lists = await Promise.all([
    demuxers.has('v4l2') ? v4l2Devices(ffmpeg.path) : [],
    demuxers.has('dshow') ? dshowDevices(ffmpeg.path) : [],
    demuxers.has('avfoundation') ? avfoundationDevices(ffmpeg.path) : [],
    demuxers.has('decklink') ? decklinkDevices(ffmpeg.path) : [],
  ]);
  return lists.flat();
}

async function v4l2Devices(path: string): Promise<CaptureDevice[]> {
  const names = await readdir('/dev').catch((): string[] => []);
  const devices = names.filter((name) => /^video\d+$/.test(name)).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }));
  const found = await Promise.all(
    devices.map(async (device): Promise<CaptureDevice | null> => {
      const text = await ask(path, '-f', 'v4l2', '-list_formats', 'all', '-i', `/dev/${device}`);
      // Cards and cameras come with a second node for metadata.
      if (/Not a video capture device|Inappropriate ioctl/i.test(text)) return null;
      const name = await readFile(`/sys/class/video4linux/${device}/name`, 'utf8').catch(() => device);
      const trouble = /Permission denied/.test(text) ? 'permission denied' : /busy/.test(text) ? 'in use by another program' : undefined;
      return described(`v4l2:/dev/${device}`, name.trim(), parseV4l2Formats(text), trouble);
    }),
  );
  return found.filter((device) => device !== null);
}

async function dshowDevices(path: string): Promise<CaptureDevice[]> {
  const names = parseDshowDevices(await ask(path, '-f', 'dshow', '-list_devices', 'true', '-i', 'dummy'));
  return Promise.all(
    names.map(async (name) =>
      described(`dshow:${name}`, name, parseDshowFormats(await ask(path, '-f', 'dshow', '-list_options', 'true', '-i', `video=${name}`))),
    ),
  );
}

async function avfoundationDevices(path: string): Promise<CaptureDevice[]> {
  const devices = parseAvfoundationDevices(await ask(path, '-f', 'avfoundation', '-list_devices', 'true', '-i', ''));
  return devices.map(({ index, name }) => described(`avfoundation:${index}`, name, []));
}

async function decklinkDevices(path: string): Promise<CaptureDevice[]> {
  const names = parseDecklinkDevices(
    (await ask(path, '-f', 'decklink', '-list_devices', '1', '-i', 'dummy')) + (await ask(path, '-sources', 'decklink')),
  );
  return Promise.all(
    names.map(async (name) =>
      described(`decklink:${name}`, name, parseDecklinkFormats(await ask(path, '-f', 'decklink', '-list_formats', '1', '-i', name))),
    ),
  );
}

function described(source: string, name: string, modes: readonly DeviceMode[], trouble?: string): CaptureDevice {
  const formats = modes.map(({ format, sizes, fps }) => [format, ...sizes].join(' ') + (fps === null ? '' : `, up to ${fps} fps`));
  return { source, name, modes, formats, ...(trouble === undefined ? {} : { trouble }) };
}

/** Everything that ffmpeg says; asked for a list it always "fails", since it opens nothing. */
function ask(path: string, ...args: string[]): Promise<string> {
  return new Promise((resolve) => {
    execFile(path, ['-hide_banner', '-nostdin', ...args], { timeout: LIST_TIMEOUT_MS, windowsHide: true }, (_error, stdout, stderr) => {
      resolve(`${stderr}\n${stdout}`);
    });
  });
}
