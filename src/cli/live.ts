import { existsSync } from 'node:fs';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { openSource } from '../capture/source.js';
import { listDevices } from '../capture/devices.js';
import type { FieldOfViewOption } from '../capture/options.js';
import type { RecordingCodec } from '../capture/graph.js';
import { ProcedureError, UsageError } from '../common/errors.js';
import { DEVICES, type Device } from '../inference/device.js';
import { createEmbedder } from '../inference/worker-embedder.js';
import { findH264Encoder } from '../media/encoders.js';
import { findFfmpeg, type Ffmpeg } from '../media/ffmpeg.js';
import { openCatalogue } from '../procedure/catalogue/catalogue.js';
import { openProcedureHome, type ProcedureHome } from '../procedure/home.js';
import { pruneProcedures } from '../procedure/prune.js';
import type { RetentionRules } from '../procedure/retention.js';
import { openGallery } from '../retrieval/gallery.js';
import type { LiveProceduresOptions } from '../server/live-procedures.js';
import { LiveSession } from '../server/live-session.js';
import { procedureRoutes } from '../server/procedure-routes.js';
import type { SessionMessage } from '../server/session.js';
import { photographRoutes } from '../server/photograph-routes.js';
import { searchRoutes } from '../server/search-routes.js';
import { startServer } from '../server/server.js';
import { loadChecklist } from '../tracking/checklist.js';
import { lumenmarkHome } from '../common/home.js';
import { openModel } from '../models/registry.js';
import { DEMO_GALLERY, DEMO_SOURCE } from './demo.js';
import { fieldOfView, positive } from './flags/values.js';
import { retentionRules, withRetention, type RetentionFlags } from './flags/retention.js';

interface LiveFlags extends RetentionFlags {
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
  record: boolean;
  recordLabel?: string;
  recordCodec: 'h264' | 'copy' | 'none';
  operator: string;
}

function port(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 0 || value > 65_535) throw new InvalidArgumentError('It takes a port from 0 to 65535.');
  return value;
}

export function register(program: Command): void {
  const command = program
    .command('live')
    .description('serve the overlay and track landmarks in a capture device, a stream or a file')
    .optionsGroup('What is watched:')
    .option('-s, --source <source...>', 'file, folder of stills, v4l2:/dev/video0, dshow:NAME, avfoundation:0, decklink:NAME, rtsp://…', [])
    .addOption(new Option('--pace <pace>', 'files: like a live source, or every frame').choices(['realtime', 'fast']).default('realtime'))
    .option('--loop', 'files: begin again at the end', false)
    .option('--input-format <format>', "pixel or stream format to ask the device for, in ffmpeg's words")
    .option('--input-fps <fps>', 'rate to ask the device for', positive)
    .option('--input-size <size>', 'size to ask the device for, e.g. 1280x1024')
    .addOption(
      new Option('--deinterlace <mode>', 'auto: the frames that are flagged as interlaced').choices(['auto', 'on', 'off']).default('auto'),
    )
    .option('--field-of-view <how>', 'auto, none or WxH+X+Y in pixels of the source', fieldOfView, 'auto')
    .option('--keep-borders', 'do not mask what lies outside the field of view (may show patient text)', false)
    .option('--ffmpeg <path>', 'ffmpeg to use')
    .optionsGroup('What is recognised:')
    .option('-g, --gallery <folder>', 'gallery to match with (default: that of the demo)')
    .option('-m, --model <name>', 'model (default: the one that the gallery was made with)')
    .option('-c, --checklist <id>', 'required sites: a checklist id or a .json file', 'esge-2016')
    .option('--analysis-fps <fps>', 'frames analysed per second', positive, 10)
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .optionsGroup('The page:')
    .option('-p, --port <port>', 'port of the page', port, 8787)
    .option('--host <address>', 'address to listen on; other than this machine asks for a token', '127.0.0.1')
    .option('--allow-host <name...>', 'further names under which browsers may reach the server, e.g. behind a proxy', [])
    .option('--preview-fps <fps>', 'frames shown per second, at most', positive, 30)
    .option('--preview-width <px>', 'width of the picture shown, at most', positive, 960)
    .optionsGroup('What is kept:')
    .option('--record', 'keep a procedure of every source, from its first frame on (else it begins on the page)', false)
    .option('--record-label <text>', 'free text to find the procedure by; it is kept with it and sent nowhere')
    .addOption(
      new Option('--record-codec <codec>', 'video; copy keeps it as the source sends it, which hides nothing')
        .choices(['h264', 'copy', 'none'])
        .default('h264'),
    )
    .option('--operator <name>', 'who examines, for the journal', 'operator');
  withRetention(command, ', at the start').action((flags: LiveFlags) => live(flags));
}

/** Ctrl-C, the service manager, and the closing of the terminal. */
const STOP_SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

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
  for (const signal of STOP_SIGNALS) process.once(signal, onSignal);
  try {
    const ffmpeg = await findFfmpeg(flags.ffmpeg === undefined ? {} : { path: flags.ffmpeg });
    console.log(`ffmpeg     ${ffmpeg.version}, ${ffmpeg.path}`);
    const model = flags.model === undefined ? {} : { model: await openModel(flags.model, { home: lumenmarkHome() }) };
    const gallery = await openGallery(galleryDir, model);
    console.log(`gallery    ${gallery.name}, ${gallery.exemplars.length} exemplars of ${gallery.labels.length} classes`);
    const embedder = await createEmbedder(gallery.model, { device: flags.device });
    cleanups.push(() => embedder.dispose());
    console.log(`model      ${gallery.model.name} on ${embedder.device.name} (${embedder.device.reason})`);
    if (gallery.model.notice !== undefined) console.log(`           ${gallery.model.notice}`);

    stop.signal.throwIfAborted();
    const rules = retentionRules(flags);
    const home = await openHome(flags.record || rules !== null);
    if (home !== null) cleanups.push(() => home.dispose());
    if (home !== null && rules !== null) await prune(home, rules, stop.signal);
    const recording = home === null ? null : await recordingCodec(flags.recordCodec, ffmpeg);
    const procedures: LiveProceduresOptions | null = home && {
      ...{ home: home.path, key: home.key, ffmpeg, operator: flags.operator, fieldOfView: flags.fieldOfView },
      ...{ analysisFps: analysisFps(flags), codec: recording?.type ?? null },
    };
    if (home !== null)
      console.log(`procedures ${home.path}, video: ${recording?.type === 'encode' ? recording.encoder.name : flags.recordCodec}`);

    const session = new LiveSession({
      procedures,
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
          analysis: { ...gallery.model.input, fps: analysisFps(flags) },
          preview: { fps: flags.previewFps, width: flags.previewWidth },
          pace: flags.pace,
          fieldOfView: flags.fieldOfView,
          keepBorders: flags.keepBorders,
          deinterlace: flags.deinterlace,
          recording,
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
    const catalogue = await openCatalogue(lumenmarkHome());
    cleanups.push(() => {
      catalogue.dispose();
      return Promise.resolve();
    });
    if (catalogue.notice !== null) console.log(catalogue.notice);
    const server = await startServer({
      controller: session,
      routes: [
        ...photographRoutes({ home: lumenmarkHome(), key: home?.key ?? null }),
        ...searchRoutes({ gallery, embedder }),
        ...procedureRoutes({ home: lumenmarkHome(), catalogue, gallery, embedder, ffmpeg }),
      ],
      port: flags.port,
      host: flags.host,
      allowedHosts: flags.allowHost,
      log: (line) => {
        console.error(line);
      },
    });
    cleanups.push(() => server.dispose());

    const record = flags.record ? { record: flags.recordLabel === undefined ? {} : { label: flags.recordLabel } } : {};
    for (const source of flags.source) {
      stop.signal.throwIfAborted();
      await session.addSource({ source, ...record });
    }
    if (demo) await session.addSource({ source: DEMO_SOURCE, loop: true, ...record });
    console.log(`overlay    ${server.url}`);
    console.log('Research use only. Ctrl-C stops.');
    await aborted(stop.signal);
    console.log('Stopping …');
  } catch (error) {
    // A terminal sends Ctrl-C to whatever runs in it: an ffmpeg that was asked for its encoders then fails too, and no one wants to read why.
    if (!stop.signal.aborted) throw error;
    console.log('Stopping …');
  } finally {
    for (const signal of STOP_SIGNALS) process.off(signal, onSignal);
    for (const cleanup of cleanups.reverse()) await cleanup();
  }
}

function analysisFps({ pace, analysisFps: fps }: LiveFlags): number | null {
  return pace === 'fast' ? null : fps;
}

/** Null when another process writes to it: what is only watched needs no home. @throws ProcedureError when procedures are wanted. */
async function openHome(isNeeded: boolean): Promise<ProcedureHome | null> {
  try {
    const home = await openProcedureHome(lumenmarkHome());
    for (const { id, outcome, detail } of home.recovered) console.log(`recovered  ${id} ${outcome}: ${detail}`);
    return home;
  } catch (error) {
    if (isNeeded || !(error instanceof ProcedureError)) throw error;
    console.log(`procedures cannot be kept: ${error.message}`);
    return null;
  }
}

async function prune(home: ProcedureHome, rules: RetentionRules, signal: AbortSignal): Promise<void> {
  const { remove, failed, exceeded } = await pruneProcedures(home.path, rules, { by: 'lumenmark live', signal });
  console.log(`retention  ${remove.length - failed.length} procedures deleted (lumenmark procedures deletions)`);
  for (const { id, error } of failed) console.error(`retention  ${id} not deleted: ${error}`);
  if (exceeded) console.error('retention  what is marked for audit is larger than the limit by itself');
}

async function recordingCodec(codec: LiveFlags['recordCodec'], ffmpeg: Ffmpeg): Promise<RecordingCodec | null> {
  if (codec === 'none') return null;
  if (codec === 'copy') return { type: 'copy' };
  const encoder = await findH264Encoder(ffmpeg);
  if (encoder !== null) return { type: 'encode', encoder };
  throw new UsageError('encoder-missing', `ffmpeg ${ffmpeg.version} has no H.264 encoder that works here, so no video can be kept`, {
    remedy: 'Use a fuller build of ffmpeg with --ffmpeg PATH or FFMPEG_PATH, or keep no video: --record-codec none.',
  });
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
