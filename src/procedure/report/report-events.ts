import { classInfo } from '../../common/landmarks.js';
import { isClosing, type Entry } from '../entries.js';
import type { ReportEvent } from './report.js';

/** What a reader of the journal would want to know beside sightings, stills and coverage. */
export function eventsOf(entries: readonly Entry[]): ReportEvent[] {
  const closedAt = entries.findIndex(isClosing);
  return entries.flatMap((entry, line): ReportEvent[] => {
    const text = textOf(entry);
    if (text === null) return [];
    const ptsUs = 'ptsUs' in entry ? entry.ptsUs : null;
    return [{ line, at: entry.at, by: entry.by, type: entry.type, ptsUs, text, amendment: closedAt >= 0 && line > closedAt }];
  });
}

const because = (reason: string | null): string => (reason === null || reason === '' ? '' : `: ${reason}`);
const named = (landmark: string | null): string => (landmark === null ? 'no landmark' : classInfo(landmark).name);

/** One line, or null for what stands elsewhere in the report. */
function textOf(entry: Entry): string | null {
  switch (entry.type) {
    case 'site-set':
      return `${entry.site} set to ${entry.state}${because(entry.reason)}`;
    case 'site-cleared':
      return `mark on ${entry.site} taken back${because(entry.reason)}`;
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
