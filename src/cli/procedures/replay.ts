import { Option, type Command } from 'commander';
import { UsageError } from '../../common/errors.js';
import { lumenmarkHome } from '../../common/home.js';
import { classInfo } from '../../common/landmarks.js';
import { progressBar } from '../../common/progress.js';
import { DEVICES, type Device } from '../../inference/device.js';
import { createEmbedder } from '../../inference/worker-embedder.js';
import { findFfmpeg } from '../../media/ffmpeg.js';
import { openModel } from '../../models/registry.js';
import { readProcedure } from '../../procedure/reader.js';
import { reanalyse, type Reanalysed } from '../../procedure/reanalyse.js';
import { verifyProcedure } from '../../procedure/verify.js';
import { galleryFingerprint } from '../../retrieval/fingerprint.js';
import { openGallery, type Gallery } from '../../retrieval/gallery.js';
import { DEMO_GALLERY } from '../demo.js';
import { abortable } from '../terminal/interrupt.js';
import { resolveProcedure } from './resolve.js';
import { percent, tableLines } from '../terminal/table.js';

interface ReplayFlags {
  readonly gallery?: string;
  readonly model?: string;
  readonly video?: string;
  readonly device: Device;
  readonly ffmpeg?: string;
  readonly json: boolean;
}

/** `lumenmark procedures replay`: the recording analysed again, and compared with what was kept. */
export function registerReplay(procedures: Command): void {
  procedures
    .command('replay')
    .description('analyse the recording of a procedure again, with the same gallery or another, and compare lane by lane')
    .argument('<id>', 'id or its first letters, "latest", or the path of a folder')
    .option('-g, --gallery <folder>', 'gallery to match with: that of then, or another')
    .option('-m, --model <name>', 'model (default: the one that the gallery was made with)')
    .option('--video <file>', 'the video that was audited, where no recording was kept')
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .option('--ffmpeg <path>', 'ffmpeg to use')
    .option('--json', 'print one JSON object', false)
    .action(replay);
}

async function replay(name: string, flags: ReplayFlags): Promise<void> {
  const home = lumenmarkHome();
  const procedure = await readProcedure(await resolveProcedure(home, name));
  const { verdict, findings } = await verifyProcedure(procedure.folder);
  // What is compared with must be what was sealed.
  if (verdict !== 'intact') console.error(`${procedure.id} is ${verdict}: ${findings[0]?.message ?? ''}`);
  const gallery = await galleryFor(procedure.description.gallery, flags, home);
  const ffmpeg = await findFfmpeg(flags.ffmpeg === undefined ? {} : { path: flags.ffmpeg });
  const bar = progressBar();
  const result = await abortable(async (signal) => {
    const embedder = await createEmbedder(gallery.model, { device: flags.device, signal });
    try {
      return await reanalyse({
        ...{ procedure, gallery, embedder, ffmpeg, signal },
        ...(flags.video === undefined ? {} : { video: flags.video }),
        onProgress: (done, total) => {
          bar.update({ label: 'analysing', done, total });
        },
      });
    } finally {
      bar.end();
      await embedder.dispose();
    }
  });
  if (flags.json) console.log(JSON.stringify({ id: procedure.id, verdict, ...result }));
  else console.log(textOf(procedure.id, result).join('\n'));
}

/** A procedure names its gallery, but not where it stands; that of the demo is known. */
async function galleryFor(
  then: { readonly name: string; readonly fingerprint: string },
  flags: ReplayFlags,
  home: string,
): Promise<Gallery> {
  if (flags.gallery !== undefined) {
    return openGallery(flags.gallery, flags.model === undefined ? {} : { model: await openModel(flags.model, { home }) });
  }
  const demo = await openGallery(DEMO_GALLERY).catch(() => null);
  if (demo !== null && galleryFingerprint(demo.manifest) === then.fingerprint) return demo;
  throw new UsageError('gallery-missing', `The procedure was matched with the gallery “${then.name}” (${then.fingerprint.slice(0, 12)})`, {
    remedy: 'Say where it is, or name another one to compare with: --gallery GALLERY.',
  });
}

function textOf(id: string, result: Reanalysed): string[] {
  const { trackerIdentical, identicalSightings, identicalFrames, comparedFrames, missingFrames } = result;
  const rows = result.lanes.map(({ landmark, first, second, matched, firstMs, secondMs, overlap, largestShiftMs }) => [
    classInfo(landmark).name,
    first,
    second,
    matched,
    (firstMs / 1000).toFixed(1),
    (secondMs / 1000).toFixed(1),
    overlap === null ? '–' : percent(overlap),
    largestShiftMs === null ? '–' : (largestShiftMs / 1000).toFixed(1),
  ]);
  return [
    `${id}, analysed again with ${result.model} and ${result.gallery}${result.sameModel ? ', as then' : ', NOT those of then'}`,
    trackerIdentical === null
      ? 'the checklist was changed on the way: the tracker was not run again over the kept detections'
      : `tracker over the kept detections: ${trackerIdentical ? 'the kept sightings, to the last bit' : 'OTHER sightings than were kept'}`,
    `recording: ${identicalFrames} of ${comparedFrames} frames answered alike to the last bit${missingFrames === 0 ? '' : `, ${missingFrames} not in the recording`}; ${
      identicalSightings
        ? 'the same sightings, to the last bit'
        : `other sightings, the same landmark at ${percent(result.agreement)} of the frames`
    }`,
    ...tableLines(['landmark', 'then', 'again', 'matched', 's then', 's again', 'overlap', 'shift s'], rows),
  ];
}
