import { classInfo } from '../common/landmarks.js';
import { isAmendment, isClosing, type Entry } from '../procedure/entries.js';
import { coverageOf } from '../procedure/final-coverage.js';
import type { Procedure } from '../procedure/reader.js';
import type { ReplayEvent, ReplayEventKind, ReplaySighting } from './procedure-protocol.js';
import type { CoverageSite } from './protocol.js';

/** Where this server has a picture of the procedure. */
export type FilePath = (file: string) => string;

export interface ReplayTimeline {
  readonly sightings: ReplaySighting[];
  readonly coverage: { ptsUs: number; sites: CoverageSite[] }[];
  readonly events: ReplayEvent[];
}

interface TimedEntry {
  readonly entry: Entry;
  readonly ptsUs: number;
}

/**
 * What a journal says, placed on the clock of the video. Lines that tell no time of the source lie after the last one that did, by as much
 * time as passed on the machine's clock; in an import, whose clock ran faster, at the same place. A still of an import counts from the moment that it shows,
 * since that is when it would have been kept.
 */
export function replayTimeline(procedure: Procedure, filePath: FilePath): ReplayTimeline {
  const { description } = procedure;
  const closing = procedure.entries.findIndex(isClosing);
  const during = closing < 0 ? procedure.entries : procedure.entries.slice(0, closing);
  const timed = placed(during, description.kind === 'recorded');
  const stills = new Map<string, string>();
  const coverage: ReplayTimeline['coverage'] = [];
  const soFar: Entry[] = [];
  for (const { entry, ptsUs } of timed) {
    soFar.push(entry);
    if (entry.type === 'still-kept') stills.set(`${entry.landmark}\n${entry.frameId ?? 0}`, filePath(entry.file));
    if (!CHANGES_COVERAGE.has(entry.type)) continue;
    const sites = sitesOf({ description, entries: soFar }, stills);
    if (coverage.at(-1)?.ptsUs === ptsUs) coverage.pop();
    coverage.push({ ptsUs, sites });
  }
  const amendments = procedure.entries.slice(during.length).filter(isAmendment);
  return {
    sightings: sightingsOf(during),
    coverage,
    events: [...timed, ...amendments.map((entry) => ({ entry, ptsUs: null }))].flatMap(({ entry, ptsUs }) =>
      eventOf(entry, ptsUs, filePath),
    ),
  };
}

const CHANGES_COVERAGE = new Set<Entry['type']>([
  'opened',
  'sighting-opened',
  'sighting-closed',
  'still-kept',
  'site-set',
  'site-cleared',
  'checklist',
]);

function placed(entries: readonly Entry[], isLive: boolean): TimedEntry[] {
  let anchor = { ptsUs: 0, monotonicMs: 0 };
  const timed = entries.map((entry): TimedEntry => {
    const own = ownTime(entry, isLive);
    const passedMs = isLive && entry.monotonicMs !== null ? Math.max(0, entry.monotonicMs - anchor.monotonicMs) : 0;
    const ptsUs = own ?? anchor.ptsUs + passedMs * 1000;
    // A picture may be of an earlier moment than the line that tells of it; then time does not go back.
    if (ptsUs >= anchor.ptsUs) anchor = { ptsUs, monotonicMs: entry.monotonicMs ?? anchor.monotonicMs };
    return { entry, ptsUs: isLive ? Math.max(ptsUs, anchor.ptsUs) : ptsUs };
  });
  return timed
    .map((one, position) => ({ one, position }))
    .sort((a, b) => a.one.ptsUs - b.one.ptsUs || a.position - b.position)
    .map(({ one }) => one);
}

/** The time that a line tells by itself, µs, or null. */
function ownTime(entry: Entry, isLive: boolean): number | null {
  // The last frame that supported it so far is the one that opened it.
  if (entry.type === 'sighting-opened' || entry.type === 'sighting-closed') return entry.sighting.endPtsUs;
  if (entry.type === 'still-kept') return isLive ? null : entry.ptsUs;
  if (entry.type === 'capture' || entry.type === 'note' || entry.type === 'pause' || entry.type === 'resume') return entry.ptsUs;
  return null;
}

function sightingsOf(entries: readonly Entry[]): ReplaySighting[] {
  const sightings = new Map<string, ReplaySighting>();
  for (const entry of entries) {
    if (entry.type !== 'sighting-opened' && entry.type !== 'sighting-closed') continue;
    const { id, sourceId, landmark, startPtsUs, endPtsUs, confidence, best } = entry.sighting;
    const key = `${sourceId}\n${id}`;
    const openedPtsUs = sightings.get(key)?.openedPtsUs ?? endPtsUs;
    sightings.set(key, { landmark, startPtsUs, endPtsUs, confidence, bestPtsUs: best.ptsUs, openedPtsUs });
  }
  return [...sightings.values()].sort((a, b) => a.startPtsUs - b.startPtsUs);
}

function sitesOf(journal: Parameters<typeof coverageOf>[0], stills: ReadonlyMap<string, string>): CoverageSite[] {
  const byHand = new Map<string, CoverageSite['byHand']>();
  for (const entry of journal.entries) {
    if (entry.type === 'site-set') byHand.set(entry.site, { by: entry.by, reason: entry.reason });
    if (entry.type === 'site-cleared') byHand.delete(entry.site);
  }
  return coverageOf(journal).sites.map(({ id, state, sightings, dwellMs, still }) => ({
    id,
    state,
    sightings,
    dwellMs,
    still: still === null ? null : (stills.get(`${still.landmark}\n${still.frameId}`) ?? null),
    stillFrameId: still?.frameId ?? null,
    byHand: byHand.get(id) ?? null,
  }));
}

function eventOf(entry: Entry, ptsUs: number | null, filePath: FilePath): ReplayEvent[] {
  const event = (kind: ReplayEventKind, text: string, landmark: string | null = null, still: string | null = null): ReplayEvent[] => [
    { kind: ptsUs === null ? 'amendment' : kind, ptsUs, at: entry.at, by: entry.by, text, landmark, still },
  ];
  switch (entry.type) {
    case 'still-kept':
      return event('still', `Still of ${classInfo(entry.landmark).name}`, entry.landmark, filePath(entry.file)).map((still) => ({
        ...still,
        ptsUs: entry.ptsUs ?? ptsUs,
      }));
    case 'capture':
      return event(
        'capture',
        entry.landmark === null ? 'Captured by hand' : `Captured by hand: ${classInfo(entry.landmark).name}`,
        entry.landmark,
        filePath(entry.file),
      );
    case 'site-set':
      return event('mark', `${entry.site} set to ${entry.state}: ${entry.reason}`);
    case 'site-cleared':
      return event('mark', `${entry.site} no longer set by hand: ${entry.reason}`);
    case 'note':
      return event('note', entry.text);
    case 'pause':
      return event('pause', entry.reason === null ? 'Intervention begins' : `Intervention begins: ${entry.reason}`);
    case 'resume':
      return event('resume', 'Intervention ends');
    case 'source':
      return event('source', `Source ${entry.state}${entry.detail === null ? '' : `: ${entry.detail}`}`);
    case 'recording-stopped':
      return entry.reason === 'closed'
        ? []
        : event('recording', `Recording stopped (${entry.reason})${entry.detail === null ? '' : `: ${entry.detail}`}`);
    case 'disk-low':
      return event('disk', `Disk nearly full: ${(entry.freeBytes / 2 ** 30).toFixed(1)} GiB left`);
    case 'clock':
      return event('clock', `The clock of the machine was set by ${(entry.jumpMs / 1000).toFixed(1)} s`);
    case 'checklist':
      return event('mark', `Checklist changed to ${entry.checklist.name}`);
    case 'assignment':
      return event('mark', `${entry.file} assigned to ${entry.to === null ? 'no landmark' : classInfo(entry.to).name}: ${entry.reason}`);
    case 'audit-hold':
      return event('mark', `${entry.on ? 'Marked for audit' : 'No longer marked for audit'}: ${entry.reason}`);
    case 'opened':
    case 'sighting-opened':
    case 'sighting-closed':
    case 'coverage':
    case 'field-of-view':
    case 'recording-started':
    case 'timers':
    case 'photograph':
    case 'closed':
    case 'interrupted':
    case 'seal':
      return [];
  }
}
