import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { LumenmarkError, messageOf, UsageError } from '../common/errors.js';
import { lumenmarkHome } from '../common/home.js';
import { DEVICES } from '../inference/device.js';
import { createEmbedder } from '../inference/worker-embedder.js';
import { findFfmpeg } from '../media/ffmpeg.js';
import { openModel } from '../models/registry.js';
import { openProcedureHome } from '../procedure/home.js';
import { openGallery } from '../retrieval/gallery.js';
import { loadChecklist } from '../tracking/checklist.js';
import { kindOfInput } from './audit/kinds.js';
import type { AuditFlags } from './audit/flags.js';
import { auditPhotographsCommand } from './audit/photographs.js';
import { auditVideoCommand } from './audit/video.js';
import { cacheOf, noCacheOption } from './flags/cache.js';
import { DEMO_GALLERY, DEMO_SOURCE } from './demo.js';
import { fieldOfView, positive } from './flags/values.js';
import { abortable } from './terminal/interrupt.js';

/** `lumenmark audit`: which required landmarks are documented in what was recorded or photographed elsewhere. */
export function register(program: Command): void {
  program
    .command('audit')
    .description('which required landmarks are documented in videos or photographs; the result is kept as a procedure')
    .argument('<path...>', 'videos that ffmpeg reads; photographs (jpg, png, tif, webp, bmp, DICOM), or folders of them, each a procedure')
    .option('-g, --gallery <folder>', 'gallery to match with (the demo has its own)')
    .option('-m, --model <name>', 'model (default: the one that the gallery was made with)')
    .option('-c, --checklist <id>', 'required sites: a checklist id or a .json file', 'esge-2016')
    .option('--analysis-fps <fps>', 'frames analysed per second of video', positive, 5)
    .option('--no-recording', 'keep no masked copy of the video; it cannot be replayed then')
    .option('--together', 'photographs: all below a folder are of one procedure', false)
    .option('-o, --out <folder>', 'photographs: also write the report there, and of several procedures the overview')
    .addOption(noCacheOption())
    .option('--no-names', 'photographs: keep no names of files and folders, which may name patients, but numbers')
    .option('--label <text>', 'free text to find it by; it is kept with the procedure and sent nowhere')
    .option('--field-of-view <how>', 'auto, none or WxH+X+Y in pixels of what is audited', fieldOfView, 'auto')
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .option('--ffmpeg <path>', 'ffmpeg to use')
    .option('--json', 'print one JSON object per procedure', false)
    .action(audit);
}

async function audit(paths: string[], flags: AuditFlags): Promise<void> {
  const isDemo = paths.every((path) => resolve(path) === DEMO_SOURCE);
  const galleryDir = flags.gallery ?? (isDemo ? DEMO_GALLERY : undefined);
  if (galleryDir === undefined) {
    throw new UsageError('gallery-missing', 'No gallery was given to match with', {
      remedy: 'Build one from a folder of labelled pictures: lumenmark gallery build PICTURES --out GALLERY, then pass --gallery GALLERY.',
    });
  }
  const home = lumenmarkHome();
  const checklist = loadChecklist(flags.checklist);
  const ffmpeg = await findFfmpeg(flags.ffmpeg === undefined ? {} : { path: flags.ffmpeg });
  const gallery = await openGallery(galleryDir, flags.model === undefined ? {} : { model: await openModel(flags.model, { home }) });
  let failed = 0;
  await abortable(async (signal) => {
    const kept = await openProcedureHome(home, { signal });
    const embedder = await createEmbedder(gallery.model, { device: flags.device, signal }).catch(async (error: unknown) => {
      await kept.dispose();
      throw error;
    });
    try {
      const tools = { home, key: kept.key, gallery, embedder, checklist, signal };
      const photographs = paths.filter((path) => kindOfInput(path) === 'photographs');
      const videos = paths.filter((path) => kindOfInput(path) === 'video');
      if (photographs.length > 0) failed += await auditPhotographsCommand(photographs, { ...tools, ...cacheOf(flags) }, flags);
      for (const path of videos) {
        try {
          await auditVideoCommand(path, { ...tools, ffmpeg, simulated: isDemo }, flags);
        } catch (error) {
          signal.throwIfAborted();
          if (paths.length === 1 || !(error instanceof LumenmarkError)) throw error;
          failed += 1;
          if (flags.json) console.log(JSON.stringify({ path, error: messageOf(error), code: error.code }));
          else console.error(`${messageOf(error)}${error.remedy === undefined ? '' : `\n       ${error.remedy}`}`);
        }
      }
    } finally {
      await embedder.dispose();
      await kept.dispose();
    }
  });
  if (failed > 0) process.exitCode = 1;
}
