import type { Checklist } from '../tracking/checklist.js';
import { coverage, type Coverage, type KeptStill, type ManualMark } from '../tracking/coverage.js';
import type { Sighting } from '../tracking/sighting.js';
import type { ProcedureDescription } from './description.js';
import type { Entry } from './entries.js';
import { coverageOfPhotographs, photographsOfJournal } from './photographs/documentation.js';

/** Entries of a journal, up to any of them. */
export interface JournalSoFar {
  readonly description: Pick<ProcedureDescription, 'checklist' | 'gallery'>;
  readonly entries: readonly Entry[];
}

/** The checklist that applies after these entries: the one of the description, or the one that took its place. */
export function checklistOf({ description, entries }: JournalSoFar): Checklist {
  return entries.findLast((entry) => entry.type === 'checklist')?.checklist ?? description.checklist;
}

/** Sightings so far, by their first line; one that was never closed stands as it was last told. */
export function sightingsOfJournal(entries: readonly Entry[]): Sighting[] {
  const sightings = new Map<string, Sighting>();
  for (const entry of entries) {
    if (entry.type !== 'sighting-opened' && entry.type !== 'sighting-closed') continue;
    sightings.set(`${entry.sighting.sourceId}\n${entry.sighting.id}`, entry.sighting);
  }
  return [...sightings.values()];
}

/**
 * The state of every site after these entries: what the machine found, and over it what was set by hand, by the examiner or later by an
 * auditor. It is computed from sightings, stills and marks, so that a mark that is taken back leaves what the machine says.
 */
export function coverageOf(journal: JournalSoFar): Coverage {
  const { entries, description } = journal;
  const checklist = checklistOf(journal);
  const { labels } = description.gallery;
  const marks = marksOf(entries);
  const photographs = photographsOfJournal(entries);
  if (photographs.length > 0) return coverageOfPhotographs(checklist, labels, photographs, marks);
  const stills = new Map<string, KeptStill>();
  for (const entry of entries) {
    if (entry.type === 'still-kept') {
      const { landmark, frameId, ptsUs, quality, file } = entry;
      // A picture whose quality was not judged was chosen by somebody, which is judgement enough.
      stills.set(file, { landmark, frameId: frameId ?? 0, ptsUs: ptsUs ?? 0, quality: quality ?? 1 });
    } else if (entry.type === 'assignment') {
      const still = stills.get(entry.file);
      if (entry.to === null) stills.delete(entry.file);
      else if (still !== undefined) stills.set(entry.file, { ...still, landmark: entry.to });
    }
  }
  return coverage(checklist, { labels, sightings: sightingsOfJournal(entries), stills: [...stills.values()], marks });
}

/** What was set by hand, in order. */
export function marksOf(entries: readonly Entry[]): ManualMark[] {
  return entries.flatMap((entry): ManualMark[] =>
    entry.type === 'site-set'
      ? [{ siteId: entry.site, state: entry.state }]
      : entry.type === 'site-cleared'
        ? [{ siteId: entry.site, state: null }]
        : [],
  );
}
