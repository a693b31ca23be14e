import type { ProcedureReplay, ReplayDetections, ReplayTrack } from '../../../src/server/procedure-protocol.js';
import type { CoverageMessage, HelloMessage, QualityVerdict, TrackingMessage } from '../../../src/server/protocol.js';

/** As many as the live page looks at for its hint. */
const VERDICTS_SHOWN = 6;

type Neighbours = ReplayDetections['detections'][number]['neighbours'];

/**
 * The frame whose annotation was on the screen at a time; -1 before the first. `delayed`: annotations came as late as they did then,
 * else each stands with its own frame.
 */
export function frameAt(track: ReplayTrack, ptsUs: number, delayed: boolean): number {
  let [low, high] = [0, track.ptsUs.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((track.ptsUs[middle] ?? 0) <= ptsUs) low = middle + 1;
    else high = middle;
  }
  let frame = low - 1;
  while (delayed && frame >= 0 && (track.ptsUs[frame] ?? 0) + (track.annotationAgeMs[frame] ?? 0) * 1000 > ptsUs) frame -= 1;
  return frame;
}

/** The message that the live page got for a frame. */
export function trackingAt(track: ReplayTrack, frame: number, sourceId: string, neighbours: Neighbours): TrackingMessage | null {
  const ptsUs = track.ptsUs[frame];
  if (ptsUs === undefined) return null;
  const labelOf = (number: number | undefined): string | null =>
    number === undefined || number < 0 ? null : (track.labels[number] ?? null);
  return {
    type: 'tracking',
    sourceId,
    ptsUs,
    frameId: track.frameId[frame] ?? 0,
    landmark: labelOf(track.landmark[frame]),
    score: track.score[frame] ?? 0,
    frameLabel: labelOf(track.frameLabel[frame]),
    frameScore: track.frameScore[frame] ?? 0,
    known: track.known[frame] === 1,
    quality: verdictAt(track, frame),
    qualityScore: track.qualityScore[frame] ?? 0,
    annotationAgeMs: track.annotationAgeMs[frame] ?? 0,
    neighbours,
  };
}

function verdictAt(track: ReplayTrack, frame: number): QualityVerdict {
  return track.verdicts[track.quality[frame] ?? 0] ?? 'good';
}

/** Verdicts of the newest frames then, oldest first. */
export function verdictsAt(track: ReplayTrack, frame: number): QualityVerdict[] {
  const first = Math.max(0, frame + 1 - VERDICTS_SHOWN);
  return Array.from({ length: Math.max(0, frame + 1 - first) }, (_, at) => verdictAt(track, first + at));
}

/** The coverage that was shown at a time; null before there was any. */
export function coverageAt(
  { coverage, checklist }: Pick<ProcedureReplay, 'coverage' | 'checklist'>,
  ptsUs: number,
): CoverageMessage | null {
  const change = coverage.findLast((one) => one.ptsUs <= ptsUs);
  return change === undefined ? null : { type: 'coverage', sourceId: '', checklistId: checklist.id, sites: change.sites };
}

/** Consecutive frames of one verdict. */
export interface VerdictRun {
  readonly verdict: QualityVerdict;
  readonly startPtsUs: number;
  endPtsUs: number;
}

export function verdictRuns(track: ReplayTrack): VerdictRun[] {
  const runs: VerdictRun[] = [];
  for (const [frame, ptsUs] of track.ptsUs.entries()) {
    const verdict = verdictAt(track, frame);
    const last = runs.at(-1);
    if (last !== undefined) last.endPtsUs = ptsUs;
    if (last?.verdict !== verdict) runs.push({ verdict, startPtsUs: ptsUs, endPtsUs: ptsUs });
  }
  return runs;
}

/**
 * From one frame of the source to the next, µs, by the median, which pauses of the source do not lengthen; null where too few were
 * analysed to tell. Where frames are counted as they are analysed it is the time between these.
 */
export function frameIntervalUs({ frameId, ptsUs }: Pick<ReplayTrack, 'frameId' | 'ptsUs'>): number | null {
  const intervals: number[] = [];
  for (let at = 1; at < ptsUs.length; at++) {
    const frames = (frameId[at] ?? 0) - (frameId[at - 1] ?? 0);
    if (frames > 0) intervals.push(((ptsUs[at] ?? 0) - (ptsUs[at - 1] ?? 0)) / frames);
  }
  return intervals.sort((a, b) => a - b)[intervals.length >> 1] ?? null;
}

/** Moments worth jumping to, in order: sightings as they opened, marks, captures, interventions. */
export function moments({ sightings, events }: Pick<ProcedureReplay, 'sightings' | 'events'>): number[] {
  const times = [
    ...sightings.map(({ openedPtsUs }) => openedPtsUs),
    ...events.flatMap(({ kind, ptsUs }) => (ptsUs === null || kind === 'still' ? [] : [ptsUs])),
  ];
  return [...new Set(times)].sort((a, b) => a - b);
}

/** Going back from right after a moment means the one before it. */
const AT_A_MOMENT_US = 700_000;

export function momentAfter(times: readonly number[], ptsUs: number): number | null {
  return times.find((time) => time > ptsUs + 1000) ?? null;
}

export function momentBefore(times: readonly number[], ptsUs: number): number | null {
  return times.findLast((time) => time < ptsUs - AT_A_MOMENT_US) ?? null;
}

/** The hello of the connection that the live page would have had. */
export function helloOf(replay: ProcedureReplay, protocol: HelloMessage['protocol']): HelloMessage {
  const { summary, gallery, model, checklist, software, fieldOfView, live } = replay;
  const source = { id: summary.id, label: summary.source, live, simulated: summary.simulated };
  return {
    type: 'hello',
    protocol,
    software,
    source,
    sources: [{ id: source.id, label: source.label }],
    model,
    gallery: { name: gallery.name, exemplars: gallery.exemplars, labels: gallery.labels },
    checklist,
    fieldOfView,
  };
}
