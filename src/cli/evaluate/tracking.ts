import { lumenmarkHome } from '../../common/home.js';
import { progressBar } from '../../common/progress.js';
import { UsageError } from '../../common/errors.js';
import { version } from '../../common/version.js';
import { evaluateTracking } from '../../evaluation/evaluate-tracking.js';
import type { TrackingMetrics } from '../../evaluation/tracking.js';
import type { Device } from '../../inference/device.js';
import { createEmbedder } from '../../inference/worker-embedder.js';
import { openModel } from '../../models/registry.js';
import { openGallery } from '../../retrieval/gallery.js';
import { loadChecklist } from '../../tracking/checklist.js';
import { abortable } from '../terminal/interrupt.js';
import { tableLines } from '../terminal/table.js';

export interface TrackingFlags {
  /** Folder of recordings with truth. */
  readonly tracking: string;
  /** A built gallery. */
  readonly gallery?: string;
  /** Default: the gallery's. */
  readonly model: string | undefined;
  readonly checklist: string;
  readonly analysisFps?: number;
  readonly device: Device;
  readonly json: boolean;
}

/** `lumenmark evaluate --tracking DIR`: the tracker against the truth, beside majority votes. */
export async function evaluateTrackingCommand(flags: TrackingFlags): Promise<void> {
  if (flags.gallery === undefined) {
    throw new UsageError('gallery-missing', '--tracking needs a gallery to match with', { remedy: 'Name a built one: --gallery GALLERY.' });
  }
  const home = lumenmarkHome();
  const gallery = await openGallery(
    flags.gallery,
    flags.model === undefined ? { home } : { model: await openModel(flags.model, { home }) },
  );
  const embedder = await createEmbedder(gallery.model, { device: flags.device });
  const bar = progressBar();
  try {
    const { baselines, ...filter } = await abortable((signal) =>
      evaluateTracking({
        directory: flags.tracking,
        gallery,
        embedder,
        checklist: loadChecklist(flags.checklist),
        analysisFps: flags.analysisFps ?? null,
        signal,
        onRecording: (done, total, name) => {
          bar.update({ label: name, done, total });
        },
      }),
    );
    bar.end();
    if (flags.json) console.log(JSON.stringify({ software: `lumenmark ${version}`, ...filter, baselines }));
    else console.log(textOf({ filter, ...baselines }).join('\n'));
  } finally {
    await embedder.dispose();
  }
}

function textOf(methods: Readonly<Record<string, TrackingMetrics>>): string[] {
  const share = (value: number | null): string => (value === null ? '–' : value.toFixed(3));
  const rows = Object.entries(methods).map(([name, { frames, sightings, falseSightingsPerMinute, onsetDelayMs, coverage }]) => [
    name,
    share(frames.macroF1),
    share(sightings.precision),
    share(sightings.recall),
    share(sightings.f1),
    falseSightingsPerMinute?.toFixed(2) ?? '–',
    onsetDelayMs.median?.toFixed(0) ?? '–',
    share(coverage.agreement),
  ]);
  const header = ['method', 'frame F1', 'precision', 'recall', 'sighting F1', 'false/min', 'onset ms', 'coverage'];
  const [any] = Object.values(methods);
  const counts = any === undefined ? [] : [`${any.n.recordings} recordings, ${any.n.minutes.toFixed(1)} min, ${any.n.visits} visits`];
  return [...counts, ...tableLines(header, rows)];
}
