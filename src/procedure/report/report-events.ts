import { classInfo } from '../../common/landmarks.js';
import { isClosing, type Entry } from '../entries.js';
import { placedEntries } from '../placed-entries.js';
import type { Procedure } from '../reader.js';
import { siteNamesOf, STATE_WORDS } from '../site-words.js';
import type { ReportEvent } from './report.js';

/**
 * What a reader of the journal would want to know beside sightings, stills and coverage. What was said while a live procedure ran has a place
 * on its clock, which stood at `startPtsUs` when it began; of an import, only what tells its own.
 */
export function eventsOf({ entries, description }: Pick<Procedure, 'entries' | 'description'>, startPtsUs: number): ReportEvent[] {
  const closedAt = entries.findIndex(isClosing);
  const during = closedAt < 0 ? entries : entries.slice(0, closedAt);
  const isLive = description.kind === 'recorded';
  const places = new Map(isLive ? placedEntries(during, true, startPtsUs).map(({ entry, ptsUs }) => [entry, ptsUs]) : []);
  const siteName = siteNamesOf({ entries, description });
  return entries.flatMap((entry, line): ReportEvent[] => {
    const text = textOf(entry, siteName);
    if (text === null) return [];
    const ptsUs = ('ptsUs' in entry ? entry.ptsUs : null) ?? places.get(entry) ?? null;
    return [{ line, at: entry.at, by: entry.by, type: entry.type, ptsUs, text, amendment: closedAt >= 0 && line > closedAt }];
  });
}

const because = (reason: string | null): string => (reason === null || reason === '' ? '' : `: ${reason}`);
const named = (landmark: string | null): string => (landmark === null ? 'no landmark' : classInfo(landmark).name);

/** One line, or null for what stands elsewhere in the report. */
function textOf(entry: Entry, siteName: (id: string) => string): string | null {
  switch (entry.type) {
    case 'site-set':
      return `${siteName(entry.site)} set to ${STATE_WORDS[entry.state]}${because(entry.reason)}`;
    case 'site-cleared':
      return `mark on ${siteName(entry.site)} taken back${because(entry.reason)}`;
    case 'capture':
      return `still captured${entry.landmark === null ? '' : ` of ${named(entry.landmark)}`}`;
    case 'note':
      return `note: ${entry.text}`;
    case 'pause':
      return `intervention begins${because(entry.reason)}`;
    case 'resume':
      return 'intervention ends';
    case 'assignment':
      return entry.from === entry.to
        ? `${entry.file} confirmed as ${named(entry.to)}${because(entry.reason)}`
        : `${entry.file} changed from ${named(entry.from)} to ${named(entry.to)}${because(entry.reason)}`;
    case 'audit-hold':
      return `${entry.on ? 'marked for audit' : 'no longer marked for audit'}${because(entry.reason)}`;
    case 'source':
      return `source ${entry.state}${because(entry.detail)}`;
    case 'recording-started':
      return `recording begins (${entry.codec})`;
    case 'recording-stopped':
      return `recording ends (${entry.reason})${because(entry.detail)}`;
    case 'disk-low':
      return `disk nearly full: ${Math.round(entry.freeBytes / 2 ** 20)} MiB left`;
    case 'clock':
      return `the clock of the machine was set by ${(entry.jumpMs / 1000).toFixed(1)} s`;
    case 'checklist':
      return `checklist changed to ${entry.checklist.name}`;
    case 'interrupted':
      return `the process died; its last line is of ${entry.lastAt}`;
    case 'opened':
    case 'sighting-opened':
    case 'sighting-closed':
    case 'coverage':
    case 'still-kept':
    case 'photograph':
    case 'field-of-view':
    case 'timers':
    case 'closed':
    case 'seal':
      return null;
  }
}
