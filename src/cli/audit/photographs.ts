import { join, relative, sep } from 'node:path';
import { LumenmarkError, messageOf } from '../../common/errors.js';
import { duration, progressBar } from '../../common/progress.js';
import { version } from '../../common/version.js';
import type { InstallationKey } from '../../procedure/key.js';
import { auditPhotographs, type PhotographAudit, type PhotographAuditOptions } from '../../procedure/photographs/audit-photographs.js';
import { findPhotographs, type PhotographSet } from '../../procedure/photographs/find-photographs.js';
import { overviewOf, type Overview, type OverviewPart } from '../../procedure/report/overview.js';
import { stateWords } from '../../procedure/report/report-words.js';
import type { ProcedureReport } from '../../procedure/report/report.js';
import { writeOverview } from '../../procedure/report/write-overview.js';
import { writeReport } from '../../procedure/report/write-report.js';
import type { EmbeddingCache } from '../../retrieval/embedding-cache.js';
import type { AuditFlags } from './flags.js';
import { commandLine } from '../terminal/command-line.js';
import { percent, tableLines } from '../terminal/table.js';

type Tools = Pick<PhotographAuditOptions, 'home' | 'gallery' | 'embedder' | 'checklist'> & {
  readonly key: InstallationKey;
  readonly cache?: EmbeddingCache;
  readonly signal: AbortSignal;
};

/** Unreadable files named in text output; the report lists all. */
const NAMED = 5;

/** Audits photographs, a procedure per folder, and prints what was found. Resolves with how many procedures could not be audited. */
export async function auditPhotographsCommand(paths: readonly string[], tools: Tools, flags: AuditFlags): Promise<number> {
  const startedAt = new Date();
  // What is printed is not kept, so that it may say which folder a number stands for.
  const titles = new Map<PhotographSet, string>();
  const found = await findPhotographs(paths, { together: flags.together });
  const sets = flags.names ? found : found.map((set, at) => ({ ...set, name: found.length === 1 ? 'photographs' : `folder ${at + 1}` }));
  for (const [at, set] of sets.entries()) titles.set(set, flags.names ? set.name : `${set.name} (${found[at]?.name ?? ''})`);
  const parts: OverviewPart[] = [];
  const failed: { name: string; reason: string }[] = [];
  const tree = sets.length > 1;
  const overviewFolder = flags.out ?? join(tools.home, 'audits', startedAt.toISOString().slice(0, 19).replaceAll(':', '-'));
  const total = sets.reduce((sum, { paths: files }) => sum + files.length, 0);
  const bar = progressBar();
  let before = 0;
  try {
    for (const set of sets) {
      try {
        const began = performance.now();
        const audited = await auditPhotographs({
          ...tools,
          set,
          fieldOfView: flags.fieldOfView,
          names: flags.names,
          ...(flags.label === undefined ? {} : { label: flags.label }),
          onProgress: (done) => {
            bar.update({ label: 'auditing', done: before + done, total });
          },
        });
        const ownKey = tools.key.publicKey;
        const { report } = await writeReport(audited.folder, { ownKey });
        const out = flags.out === undefined ? audited.folder : tree ? join(flags.out, audited.id) : flags.out;
        if (flags.out !== undefined) await writeReport(audited.folder, { ownKey, out });
        const page = join(out, 'report.html');
        parts.push({ report, name: set.name, link: relative(overviewFolder, page).split(sep).map(encodeURIComponent).join('/') });
        bar.end();
        if (flags.json) console.log(JSON.stringify(jsonOf(set, audited, report, page)));
        else
          console.log(
            textOf(titles.get(set) ?? set.name, audited, report, { page, elapsedMs: performance.now() - began, brief: tree }).join('\n'),
          );
      } catch (error) {
        tools.signal.throwIfAborted();
        if (!tree || !(error instanceof LumenmarkError) || error.code === 'journal-write') throw error;
        const reason = messageOf(error).replace(`${set.name}: `, '');
        failed.push({ name: set.name, reason });
        bar.end();
        if (flags.json) console.log(JSON.stringify({ name: set.name, error: messageOf(error), code: error.code }));
        else console.error(`${titles.get(set) ?? set.name}: ${reason}`);
      }
      before += set.paths.length;
    }
    if (tree && parts.length > 0) {
      const overview = overviewOf(parts, failed);
      const files = await writeOverview(overview, overviewFolder, { ...(flags.names ? { command: commandLine() } : {}), at: startedAt });
      if (flags.json) console.log(JSON.stringify({ overview: { ...overview, procedures: overview.procedures.length }, files }));
      else console.log(overviewLines(overview, files).join('\n'));
    }
  } finally {
    bar.end();
  }
  return failed.length;
}

function jsonOf(
  set: PhotographSet,
  { id, folder, headHash, inferenceShare }: PhotographAudit,
  report: ProcedureReport,
  page: string,
): object {
  const { completeness, sites, photographs, unreadable } = report;
  return {
    software: `lumenmark ${version}`,
    name: set.name,
    id,
    folder,
    headHash,
    page,
    inferenceShare,
    completeness,
    sites,
    photographs,
    unreadable,
  };
}

function textOf(
  title: string,
  { id, folder, headHash }: PhotographAudit,
  { completeness, sites, photographs, unreadable, checklist }: ProcedureReport,
  { page, elapsedMs, brief }: { readonly page: string; readonly elapsedMs: number; readonly brief: boolean },
): string[] {
  const repeats = photographs.filter((one) => one.repeats !== null).length;
  const unusable = photographs.filter((one) => one.repeats === null && one.outcome === 'unusable').length;
  const counts =
    `${photographs.length} photographs (${repeats} near-duplicates, ${unusable} unusable)` +
    (unreadable.length === 0 ? '' : `, ${unreadable.length} unreadable files`);
  const head = `${title}: ${completeness.documented} of ${completeness.required} required sites documented; ${counts}`;
  if (brief) return [head];
  const byIndex = new Map(photographs.map((photograph) => [photograph.index, photograph]));
  const rows = sites.map(({ name, optional, state, documentedBy, doubtful }) => {
    const best = byIndex.get(documentedBy[0] ?? doubtful[0] ?? -1);
    const sure =
      best === undefined ? '' : `${percent(best.score)}${best.precision === null ? '' : `, precision ${percent(best.precision)}`}`;
    return [`${name}${optional ? ' (optional)' : ''}`, stateWords(state, 'photographs'), best?.path ?? '', sure];
  });
  return [
    `${head} (${checklist.name})`,
    ...tableLines(['site', 'state', 'photograph', 'vote'], rows).map((line) => `  ${line}`),
    ...unreadable.slice(0, NAMED).map(({ path, reason }) => `  not readable: ${path}: ${reason}`),
    ...(unreadable.length > NAMED ? [`  … and ${unreadable.length - NAMED} more, all in the report`] : []),
    `  audited in ${duration(elapsedMs)}; procedure ${id} in ${folder}`,
    `  head hash ${headHash}`,
    `  report ${page}`,
  ];
}

function overviewLines({ procedures, sites, complete, failed }: Overview, files: readonly string[]): string[] {
  return [
    '',
    `${complete} of ${procedures.length} procedures are completely documented; ${failed.length} could not be audited`,
    ...tableLines(
      ['site', 'documented', 'to be checked', 'missing', 'not in the gallery'],
      sites.map(({ name, documented, toCheck, missing, unsupported }) => [name, documented, toCheck, missing, unsupported]),
    ).map((line) => `  ${line}`),
    `  overview ${files[0] ?? ''}`,
  ];
}
