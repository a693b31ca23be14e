import { existsSync } from 'node:fs';
import { InvalidArgumentError, type Command } from 'commander';
import { openSource } from '../capture/source.js';
import { listDevices } from '../capture/devices.js';
import { parseFieldOfView, type FieldOfViewOption } from '../capture/options.js';
import { UsageError } from '../common/errors.js';
import { DEVICES, type Device } from '../inference/device.js';
import { createEmbedder } from '../inference/worker-embedder.js';
import { findFfmpeg } from '../media/ffmpeg.js';
import { openGallery } from '../retrieval/gallery.js';
import { LiveSession } from '../server/live-session.js';
import type { SessionMessage } from '../server/session.js';
import { searchRoutes } from '../server/search-routes.js';
import { startServer } from '../server/server.js';
import { loadChecklist } from '../tracking/checklist.js';
import { lumenmarkHome } from '../common/home.js';
import { openModel } from '../models/registry.js';
import { DEMO_GALLERY, DEMO_SOURCE } from './demo.js';

interface LiveFlags {
  source: string[];
  gallery?: string;
  model?: string;
  checklist: string;
  port: number;
  host: string;
  allowHost: string[];
  pace: 'realtime' | 'fast';
  loop: boolean;
  analysisFps: number;
  previewFps: number;
  previewWidth: number;
  fieldOfView: FieldOfViewOption;
  keepBorders: boolean;
  deinterlace: 'auto' | 'on' | 'off';
  inputFormat?: string;
  inputFps?: number;
  inputSize?: string;
  device: Device;
  ffmpeg?: string;
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('It takes a number above 0.');
  return value;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('It takes a port from 0 to 65535.');
  return value;
}

function oneOf<T extends string>(...choices: readonly T[]): (text: string) => T {
  return (text) => {
    const found = choices.find((choice) => choice === text);
    if (found === undefined) throw new InvalidArgumentError(`It takes one of ${choices.join(', ')}.`);
    return found;
  };
}

function fieldOfView(text: string): FieldOfViewOption {
  parseFieldOfView(text);
  return text as FieldOfViewOption;
}

export function register(program: Command): void {
  program
    .command('live')
    .description('serve the overlay and track landmarks in a capture device, a stream or a file')
    .option('-s, --source <source...>', 'file, folder of stills, v4l2:/dev/video0, dshow:NAME, avfoundation:0, decklink:NAME, rtsp://…', [])
    .option('-g, --gallery <folder>', 'gallery to match with (default: that of the demo)')
    .option('-m, --model <name>', 'model (default: the one that the gallery was made with)')
    .option('-c, --checklist <id>', 'required sites: a checklist id or a .json file', 'esge-2016')
    .option('-p, --port <port>', 'port of the page', port, 8787)
    .option('--host <address>', 'address to listen on; other than this machine asks for a token', '127.0.0.1')
    .option('--allow-host <name...>', 'further names under which browsers may reach the server, e.g. behind a proxy', [])
    .option('--pace <pace>', 'files: realtime (like a live source) or fast (every frame)', oneOf('realtime', 'fast'), 'realtime')
    .option('--loop', 'files: begin again at the end', false)
    .option('--analysis-fps <fps>', 'frames analysed per second', positive, 10)
    .option('--preview-fps <fps>', 'frames shown per second, at most', positive, 30)
    .option('--preview-width <px>', 'width of the picture shown, at most', positive, 960)
    .option('--field-of-view <how>', 'auto, none or WxH+X+Y in pixels of the source', fieldOfView, 'auto')
    .option('--keep-borders', 'do not mask what lies outside the field of view (may show patient text)', false)
    .option('--deinterlace <mode>', 'auto, on or off', oneOf('auto', 'on', 'off'), 'auto')
    .option('--input-format <format>', "pixel or stream format to ask the device for, in ffmpeg's words")
    .option('--input-fps <fps>', 'rate to ask the device for', positive)
    .option('--input-size <size>', 'size to ask the device for, e.g. 1280x1024')
    .option('--device <device>', `where inference runs: ${DEVICES.join(', ')}`, oneOf(...DEVICES), 'auto')
    .option('--ffmpeg <path>', 'ffmpeg to use')
    .action((flags: LiveFlags) => live(flags));
}

async function live(flags: LiveFlags): Promise<void> {
  const galleryDir = flags.gallery ?? (existsSync(DEMO_GALLERY) ? DEMO_GALLERY : undefined);
  if (galleryDir === undefined) {
    throw new UsageError('gallery-missing', 'No gallery was given to match with', {
      remedy: 'Build one from a folder of labelled pictures: lumenmark gallery build PICTURES --out GALLERY, then pass --gallery GALLERY.',
    });
  }
  // The demo plays only where nothing was asked for.
  const demo = flags.source.length === 0 && flags.gallery === undefined && existsSync(DEMO_SOURCE);

  const stop = new AbortController();
  const cleanups: (() => Promise<void>)[] = [];
  const onSignal = (): void => {
    stop.abort();
  };
  process.once('SIGINT', onSignal).once('SIGTERM', onSignal);
  try {
    const ffmpeg = await findFfmpeg(flags.ffmpeg === undefined ? {} : { path: flags.ffmpeg });
    console.log(`ffmpeg     ${ffmpeg.version}, ${ffmpeg.path}`);
    const model = flags.model === undefined ? {} : { model: await openModel(flags.model, { home: lumenmarkHome() }) };
    const gallery = await openGallery(galleryDir, model);
    console.log(`gallery    ${gallery.name}, ${gallery.exemplars.length} exemplars of ${gallery.labels.length} classes`);
    const embedder = await createEmbedder(gallery.model, { device: flags.device });
    cleanups.push(() => embedder.dispose());
    console.log(`model      ${gallery.model.name} on ${embedder.device.name} (${embedder.device.reason})`);

    const session = new LiveSession({
      gallery,
      embedder,
      checklist: loadChecklist(flags.checklist),
      devices: () => listDevices(ffmpeg),
      openSource: async ({ id, source, loop }) => ({
        simulated: source === DEMO_SOURCE,
        source: await openSource({
          id,
          source,
          ffmpeg,
          loop: loop || flags.loop,
          analysis: { ...gallery.model.input, fps: flags.pace === 'fast' ? null : flags.analysisFps },
          preview: { fps: flags.previewFps, width: flags.previewWidth },
          pace: flags.pace,
          fieldOfView: flags.fieldOfView,
          keepBorders: flags.keepBorders,
          deinterlace: flags.deinterlace,
          input: {
            ...(flags.inputFormat === undefined ? {} : { format: flags.inputFormat }),
            ...(flags.inputFps === undefined ? {} : { fps: flags.inputFps }),
            ...(flags.inputSize === undefined ? {} : { size: flags.inputSize }),
          },
        }),
      }),
    });
    cleanups.push(() => session.dispose());
    session.messages.subscribe(sayTrouble);
    const server = await startServer({
      controller: session,
      routes: searchRoutes({ gallery, embedder }),
      port: flags.port,
      host: flags.host,
      allowedHosts: flags.allowHost,
      log: (line) => {
        console.error(line);
      },
    });
    cleanups.push(() => server.dispose());

    for (const source of flags.source) await session.addSource({ source });
    if (demo) await session.addSource({ source: DEMO_SOURCE, loop: true });
    console.log(`overlay    ${server.url}`);
    console.log('Research use only. Ctrl-C stops.');
    await aborted(stop.signal);
    console.log('Stopping …');
  } finally {
    process.off('SIGINT', onSignal).off('SIGTERM', onSignal);
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

/** Whoever has no page open must still learn that a source is gone, and that it came back. */
function sayTrouble(message: SessionMessage): void {
  if (message.type === 'error')
    console.error(`error: ${message.message}${message.remedy === undefined ? '' : `\n       ${message.remedy}`}`);
  if (message.type !== 'event' || message.event !== 'source') return;
  const { sourceId, state, detail } = message;
  if (detail !== undefined || state !== 'connecting')
    console.log(`${sourceId.padEnd(10)} ${state}${detail === undefined ? '' : `: ${detail}`}`);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => {
      resolve();
    });
  });
}
