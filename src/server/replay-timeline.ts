import { classInfo } from '../common/landmarks.js';
import { isAmendment, isClosing, type Entry } from '../procedure/entries.js';
import { coverageOf } from '../procedure/final-coverage.js';
import { placedEntries } from '../procedure/placed-entries.js';
import type { Procedure } from '../procedure/reader.js';
import { siteNamesOf, STATE_WORDS } from '../procedure/site-words.js';
import type { ReplayEvent, ReplayEventKind, ReplaySighting } from './procedure-protocol.js';
import type { CoverageSite } from './protocol.js';

/** Where this server has a picture of the procedure. */
export type FilePath = (file: string) => string;

export interface ReplayTimeline {
  readonly sightings: ReplaySighting[];
  readonly coverage: { ptsUs: number; sites: CoverageSite[] }[];
  readonly events: ReplayEvent[];
}

/** What a journal says, placed on the clock of the source, which stood at `startPtsUs` when the procedure began. */
export function replayTimeline(procedure: Procedure, startPtsUs: number, filePath: FilePath): ReplayTimeline {
  const { description } = procedure;
  const siteName = siteNamesOf(procedure);
  const closing = procedure.entries.findIndex(isClosing);
  const during = closing < 0 ? procedure.entries : procedure.entries.slice(0, closing);
  const timed = placedEntries(during, description.kind === 'recorded', startPtsUs);
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
      eventOf(entry, ptsUs, filePath, siteName),
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

const ROUTINE: ReadonlySet<string> = new Set(['connecting', 'searching-field-of-view', 'running', 'ended']);

function eventOf(entry: Entry, ptsUs: number | null, filePath: FilePath, siteName: (id: string) => string): ReplayEvent[] {
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
      return event('mark', `${siteName(entry.site)} set to ${STATE_WORDS[entry.state]}: ${entry.reason}`);
    case 'site-cleared':
      return event('mark', `${siteName(entry.site)} no longer set by hand: ${entry.reason}`);
    case 'note':
      return event('note', entry.text);
    case 'pause':
      return event('pause', entry.reason === null ? 'Intervention begins' : `Intervention begins: ${entry.reason}`);
    case 'resume':
      return event('resume', 'Intervention ends');
    case 'source':
      // That it was opened, ran and ended is no event to jump to; that it was lost and came back is.
      if (ROUTINE.has(entry.state) && entry.reconnects === 0) return [];
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
