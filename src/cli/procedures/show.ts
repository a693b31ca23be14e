import type { Command } from 'commander';
import { lumenmarkHome } from '../../common/home.js';
import { classInfo } from '../../common/landmarks.js';
import { duration } from '../../common/progress.js';
import { summarise } from '../../procedure/catalogue/summarise.js';
import { completenessOf } from '../../procedure/catalogue/summary.js';
import type { Entry } from '../../procedure/entries.js';
import { sightingsOfJournal } from '../../procedure/final-coverage.js';
import { readProcedure, type Procedure } from '../../procedure/reader.js';
import { resolveProcedure } from './resolve.js';
import { tableLines } from '../terminal/table.js';

const NO_NEWS = new Set<Entry['type']>([
  'opened',
  'sighting-opened',
  'sighting-closed',
  'coverage',
  'still-kept',
  'photograph',
  'seal',
  'field-of-view',
]);

/** `lumenmark procedures show`. */
export function registerShow(procedures: Command): void {
  procedures
    .command('show')
    .description('one procedure: what was required, seen and documented, sightings, marks and events')
    .argument('<id>', 'id or its first letters, "latest", or the path of a folder')
    .option('--json', 'print one JSON object', false)
    .action(async (name: string, { json }: { json: boolean }) => {
      const procedure = await readProcedure(await resolveProcedure(lumenmarkHome(), name));
      console.log(json ? JSON.stringify(jsonOf(procedure)) : textOf(procedure).join('\n'));
    });
}

function jsonOf(procedure: Procedure): object {
  const { folder, description, entries, problem, headHash } = procedure;
  return { folder, ...summarise(procedure), headHash, problem, description, sightings: sightingsOfJournal(entries), entries };
}

function textOf(procedure: Procedure): string[] {
  const { description, entries, problem, headHash, folder } = procedure;
  const summary = summarise(procedure);
  const { required, seen, documented } = completenessOf(summary);
  const time = (us: number): string => duration(us / 1000);
  const sightings = sightingsOfJournal(entries).map(({ landmark, startPtsUs, endPtsUs, confidence }) => [
    classInfo(landmark).name,
    time(startPtsUs),
    time(endPtsUs),
    `${Math.round(100 * confidence)} %`,
  ]);
  const news = entries.filter(({ type }) => !NO_NEWS.has(type));
  return [
    `${summary.id}${summary.label === null ? '' : `  ${summary.label}`}${summary.simulated ? '  [simulated]' : ''}`,
    `${summary.kind}, ${summary.state}${summary.held ? ', marked for audit' : ''}; ${summary.source}; ${folder}`,
    `model ${description.model.name} (${description.model.fingerprint.slice(0, 12)}), gallery ${description.gallery.name} (${description.gallery.fingerprint.slice(0, 12)}), lumenmark ${description.versions.lumenmark}`,
    `head hash ${headHash ?? 'none: it was not closed'}`,
    ...(problem === null ? [] : [`the journal is readable up to line ${problem.line} only (${problem.kind}: ${problem.reason})`]),
    '',
    `${summary.checklist.name}: ${documented} of ${required} required sites documented, ${seen} seen`,
    ...tableLines(
      ['site', 'state'],
      summary.checklist.sites.map(({ name, optional }, position) => [
        `${name}${optional ? ' (optional)' : ''}`,
        summary.siteStates[position] ?? '',
      ]),
    ).map((line) => `  ${line}`),
    ...(sightings.length === 0 ? [] : ['', ...tableLines(['sighting', 'from', 'to', 'confidence'], sightings)]),
    ...(news.length === 0
      ? []
      : [
          '',
          ...tableLines(
            ['at', 'by', 'event'],
            news.map((entry) => [entry.at, entry.by, newsOf(entry)]),
          ),
        ]),
  ];
}

const OF_EVERY_LINE = new Set(['seq', 'at', 'monotonicMs', 'previous', 'type', 'by']);

/** What happened, in one line: the fields that belong to this type alone. */
function newsOf(entry: Entry): string {
  const fields = Object.entries(entry)
    .filter(([name]) => !OF_EVERY_LINE.has(name))
    .map(([name, value]: [string, unknown]) =>
      Array.isArray(value) ? `${value.length} ${name}` : typeof value === 'object' && value !== null ? name : `${name} ${String(value)}`,
    );
  return `${entry.type}${fields.length === 0 ? '' : `: ${fields.join(', ')}`}`;
}
