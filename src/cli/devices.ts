import type { Command } from 'commander';
import { listDevices, type CaptureDevice } from '../capture/devices.js';
import { findFfmpeg, type Ffmpeg } from '../media/ffmpeg.js';

export function register(program: Command): void {
  program
    .command('devices')
    .description('capture devices of this machine, and their formats')
    .option('--ffmpeg <path>', 'ffmpeg to use')
    .option('--json', 'print JSON', false)
    .action(async ({ ffmpeg: path, json }: { ffmpeg?: string; json: boolean }) => {
      const ffmpeg = await findFfmpeg(path === undefined ? {} : { path });
      const devices = await listDevices(ffmpeg);
      if (json) console.log(JSON.stringify({ ffmpeg: { path: ffmpeg.path, version: ffmpeg.version }, devices }, null, 2));
      else for (const line of devices.length === 0 ? noneFound(ffmpeg) : devices.flatMap(lines)) console.log(line);
    });
}

function lines({ source, name, formats, trouble }: CaptureDevice): string[] {
  const about = trouble ?? (formats.length === 0 ? 'formats unknown' : undefined);
  return [`${source}  ${name}${about === undefined ? '' : ` (${about})`}`, ...formats.map((format) => `    ${format}`)];
}

function noneFound({ path, version, capabilities: { demuxers } }: Ffmpeg): string[] {
  const kinds = ['v4l2', 'dshow', 'avfoundation', 'decklink'];
  const known = kinds.filter((kind) => demuxers.has(kind));
  const lacking = kinds.filter((kind) => !demuxers.has(kind));
  return [
    'No capture device was found.',
    `ffmpeg ${version} (${path}) can read ${known.length === 0 ? 'no kind of capture device' : known.join(', ')}; it was built without ${lacking.join(', ')}.`,
    ...(process.platform === 'linux'
      ? ['Cards and cameras appear as /dev/video*: check the cable, the driver (dmesg) and, in a container, that the device is passed in.']
      : ['Check the cable, the driver and the permission to use cameras.']),
    'Blackmagic cards need an ffmpeg built with DeckLink: name it with --ffmpeg PATH.',
    'Without a device, give a file, an address (rtsp://, srt://, http:// …) or a folder of pictures to --source.',
  ];
}
