import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { classInfo } from '../../common/landmarks.js';
import { duration } from '../../common/progress.js';
import { summarise } from '../../procedure/catalogue/summarise.js';
import { completenessOf } from '../../procedure/catalogue/summary.js';
import { sightingsOfJournal } from '../../procedure/final-coverage.js';
import { startOf } from '../../procedure/placed-entries.js';
import { readProcedure, type Procedure } from '../../procedure/reader.js';
import { eventsOf } from '../../procedure/report/report-events.js';
import { sitesOf } from '../../procedure/report/report-sites-of.js';
import { STATE_WORDS } from '../../procedure/site-words.js';
import { resolveProcedure } from './resolve.js';
import { oneLine, tableLines } from '../terminal/table.js';

/** `lumenmark procedures show`. */
export function registerShow(procedures: Command): void {
  procedures
    .command('show')
    .description('one procedure: what was required, seen and documented, sightings, marks and events')
    .argument('<id>', 'id or its first letters, "latest", or the path of a folder')
    .option('--json', 'print one JSON object', false)
    .action(async (name: string, { json }: { json: boolean }) => {
      const procedure = await readProcedure(await resolveProcedure(lumenmarkHome(), name));
      console.log(json ? JSON.stringify(jsonOf(procedure)) : textOf(procedure, await startOf(procedure)).join('\n'));
    });
}

function jsonOf(procedure: Procedure): object {
  const { folder, description, entries, problem, headHash } = procedure;
  return { folder, ...summarise(procedure), headHash, problem, description, sightings: sightingsOfJournal(entries), entries };
}

/** Times are those since the beginning, as on the page and in the report. */
function textOf(procedure: Procedure, startPtsUs: number): string[] {
  const { description, entries, problem, headHash, folder } = procedure;
  const summary = summarise(procedure);
  const { required, seen, documented } = completenessOf(summary);
  const sites = sitesOf(procedure);
  const unsupported = sites.filter(({ optional, state }) => !optional && state === 'unsupported').length;
  const time = (us: number): string => duration(Math.max(0, us - startPtsUs) / 1000);
  const sightings = sightingsOfJournal(entries).map(({ landmark, startPtsUs, endPtsUs, confidence }) => [
    classInfo(landmark).name,
    time(startPtsUs),
    time(endPtsUs),
    `${Math.round(100 * confidence)} %`,
  ]);
  const events = eventsOf(procedure, startPtsUs);
  return [
    `${summary.id}${summary.label === null ? '' : `  ${summary.label}`}${summary.simulated ? '  [simulated]' : ''}`,
    `${summary.kind}, ${summary.state}${summary.held ? ', marked for audit' : ''}; ${summary.source}; ${folder}`,
    `model ${description.model.name} (${description.model.fingerprint.slice(0, 12)}), gallery ${description.gallery.name} (${description.gallery.fingerprint.slice(0, 12)}), lumenmark ${description.versions.lumenmark}`,
    `head hash ${headHash ?? 'none: it was not closed'}`,
    ...(problem === null ? [] : [`the journal is readable up to line ${problem.line} only (${problem.kind}: ${problem.reason})`]),
    '',
    `${summary.checklist.name}: ${documented} of ${required} required sites documented, ${seen} seen${unsupported === 0 ? '' : `; ${unsupported} more not in this gallery`}`,
    ...tableLines(
      ['site', 'state', ''],
      sites.map(({ name, optional, state, setBy }) => [
        `${name}${optional ? ' (optional)' : ''}`,
        STATE_WORDS[state],
        setBy === null ? '' : `set by ${setBy.by}: ${setBy.reason}`,
      ]),
    ).map((line) => `  ${line}`),
    ...(sightings.length === 0 ? [] : ['', ...tableLines(['sighting', 'from', 'to', 'confidence'], sightings)]),
    ...(events.length === 0
      ? []
      : [
          '',
          ...tableLines(
            ['at', 'from start', 'by', 'event'],
            events.map(({ at, ptsUs, by, text, amendment }) => [
              at,
              ptsUs === null ? '' : time(ptsUs),
              by,
              `${text}${amendment ? ' (after closing)' : ''}`,
            ]),
          ),
        ]),
  ].map(oneLine);
}
