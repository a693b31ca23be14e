import { writeFile } from 'node:fs/promises';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { messageOf, UsageError } from '../common/errors.js';
import { progressBar } from '../common/progress.js';
import { KNOWN_DATASETS } from '../evaluation/datasets/read-dataset.js';
import { evaluateRetrieval } from '../evaluation/evaluate-retrieval.js';
import { KIM2025 } from '../evaluation/protocols/kim2025.js';
import { makeReport, type EvaluationReport } from '../evaluation/report.js';
import { evaluationPage } from '../evaluation/page/evaluation-page.js';
import { DEVICES } from '../inference/device.js';
import { checkFieldOfViewMode } from '../retrieval/still-pixels.js';
import { noCacheOption } from './flags/cache.js';
import { commandLine } from './terminal/command-line.js';
import { evaluateProtocolCommand } from './evaluate/protocol.js';
import { evaluateTrackingCommand } from './evaluate/tracking.js';
import { prepareCase } from './evaluate/prepare-case.js';
import type { EvaluateFlags } from './evaluate/flags.js';
import { evaluationLines } from './evaluate/lines.js';
import { count, KINDS, kinds, share } from './flags/values.js';
import { abortable } from './terminal/interrupt.js';
import { reportFile } from './evaluate/report-file.js';

/** `lumenmark evaluate`: retrieval metrics, with intervals and definitions. */
export function register(program: Command): void {
  program
    .command('evaluate')
    .description('measure retrieval (a folder against a folder, by cross-validation, or embeddings of other software) or tracking')
    .optionsGroup('What is evaluated:')
    .option('--dataset <dir>', 'folder of pictures, a folder per label; a public data set is recognised by its layout')
    .addOption(new Option('--dataset-name <name>', 'read it as this data set').choices(KNOWN_DATASETS.map(({ id }) => id)))
    .option('--gallery <dir>', 'folder of pictures to search, a folder per label, or a built gallery (with --query)')
    .option('--query <dir>', 'folder of pictures to ask with, a folder per label')
    .option('--gallery-embeddings <file>', 'float32 embeddings, one row per exemplar; without --query-embeddings asked for itself')
    .option('--query-embeddings <file>', 'float32 embeddings, one row per query')
    .option('--dim <d>', 'length of a row', count)
    .option('--labels <file>', 'JSON: {"galleryLabels": […], "queryLabels": […]}, and galleryGroups, queryGroups where they are known')
    .option('--tracking <dir>', 'recordings with truth (video.mp4 and truth.ndjson) to track, with --gallery naming a built gallery')
    .option('--checklist <id>', 'checklist of the recordings', 'esge-2016')
    .option('--analysis-fps <fps>', 'frames of a recording analysed per second (default: all)', count)
    .optionsGroup('A published test:')
    .addOption(new Option('--protocol <name>', 'assemble, train and test as a paper tells; see docs/reproduce.md').choices([KIM2025.id]))
    .option('--kvasir <dir>', 'folder of Kvasir v2')
    .option('--hyperkvasir <dir>', 'folder of HyperKvasir')
    .option('--out <dir>', 'folder of the assembled pictures and the training runs (default: kim2025)')
    .option('--untrained', 'evaluate the model as it is', false)
    .option('--steps <n>', 'end training after so many steps, for a trial', count)
    .option('--per-class <n>', `pictures of every class (default: ${KIM2025.perClass})`, count)
    .optionsGroup('How it is parted:')
    .option('--folds <n>', 'folds of the cross-validation (default: the split of the data set’s authors where it is there, else 5)', folds)
    .option('--leave-one-out', 'leave out one picture (or group) at a time instead', false)
    .option('--split <file>', 'table (CSV) with a column of paths and one of parts: fold numbers, or train and test')
    .option('--group-column <name>', 'column of INDEX.csv in the folder that says what stays together: patient, examination, source')
    .option('--index <file>', 'the table with that column, if it is another')
    .option('--group-pattern <regex>', 'pictures whose path gives the same first group stay together, e.g. a patient number')
    .option('--ids-only', 'hold together only what these ids join, and not what looks alike', false)
    .option('--label-column <name>', 'whose labels count, in a data set with several annotators')
    .option('--kinds <list>', `only labels of these kinds: ${KINDS.join(', ')}`, kinds)
    .option('--min-exemplars <n>', 'leave out labels with fewer pictures', count, 1)
    .option('--keep-labels', 'keep the names of folders and tables as labels', false)
    .optionsGroup('With what:')
    .option('-m, --model <name>', 'model to embed with', 'descriptors')
    .option('--field-of-view <how>', 'auto, none or WxH+X+Y', 'auto')
    .addOption(new Option('--device <device>', 'where inference runs').choices(DEVICES).default('auto'))
    .addOption(noCacheOption())
    .optionsGroup('What is told:')
    .option('--ablation', 'also each backbone alone, without the fusion head, descriptors, other precisions, HNSW; paired tests', false)
    .option('--false-acceptance <share>', 'false acceptance at which the loss of the open-set curve is told', share, 0.2)
    .option('--report <file>', 'write a report page: FILE.html, or a folder for report.html and report.json')
    .option('--json', 'print the report as JSON', false)
    .action(evaluate);
}

/** What an evaluation of tracking does not read. */
const NOT_OF_TRACKING = ['dataset', 'query', 'protocol', 'folds', 'leaveOneOut', 'split', 'fieldOfView', 'ablation', 'report'] as const;

async function evaluate(flags: EvaluateFlags, command: Command): Promise<void> {
  const isGiven = (name: keyof EvaluateFlags): boolean => command.getOptionValueSource(name) === 'cli';
  if (flags.tracking !== undefined) {
    const idle = NOT_OF_TRACKING.find(isGiven);
    if (idle !== undefined) {
      const flag = command.options.find((option) => option.attributeName() === idle)?.long ?? idle;
      throw new UsageError('option', `${flag}: says nothing of --tracking.`, { remedy: 'Leave one of the two out.' });
    }
    await evaluateTrackingCommand({ ...flags, tracking: flags.tracking, model: isGiven('model') ? flags.model : undefined });
    return;
  }
  if (flags.protocol !== undefined) {
    await evaluateProtocolCommand(flags);
    return;
  }
  checkFieldOfViewMode(flags.fieldOfView);
  const target = flags.report === undefined ? null : await reportFile(flags.report);
  const bar = progressBar();
  try {
    const report = await abortable(async (signal) => {
      const onProgress = (label: string, done: number, total: number): void => {
        bar.update({ label, done, total });
      };
      const made = await prepareCase(flags, { signal, onProgress });
      const evaluation = await evaluateRetrieval({
        ...made,
        falseAcceptance: flags.falseAcceptance,
        indexes: flags.ablation,
        signal,
        onProgress,
      });
      const found = makeReport({ ...made, command: commandLine(), evaluation });
      if (target !== null) await writeReport(target, found, made.thumbnail);
      return found;
    });
    bar.end();
    console.log(flags.json ? JSON.stringify(jsonOf(report)) : evaluationLines(report).join('\n'));
    if (target !== null && !flags.json) console.log(`\nReport: ${target.html}`);
  } finally {
    bar.end();
  }
}

/** The report, and the settings of it as a list, as earlier versions printed them. */
function jsonOf(report: EvaluationReport): object {
  const { withoutLookAlikes, ungrouped } = report;
  return {
    ...report,
    results: [
      { title: report.title, n: report.n, overall: report.overall, classMean: report.classMean },
      ...(withoutLookAlikes === null ? [] : [{ title: 'without look-alikes', ...withoutLookAlikes.retrieval }]),
      ...(ungrouped === null ? [] : [{ title: 'parted at random', ...ungrouped }]),
    ],
  };
}

async function writeReport(
  target: { readonly html: string; readonly json: string | null },
  report: EvaluationReport,
  thumbnail: (row: number) => Promise<Uint8Array | null>,
): Promise<void> {
  try {
    await writeFile(target.html, await evaluationPage(report, thumbnail));
    if (target.json !== null) await writeFile(target.json, `${JSON.stringify(jsonOf(report), null, 2)}\n`);
  } catch (error) {
    throw new UsageError('report-file', `${target.html}: cannot be written (${messageOf(error)})`, {
      remedy: 'Name another place with --report.',
      cause: error,
    });
  }
}

function folds(text: string): number {
  const value = count(text);
  if (value < 2) throw new InvalidArgumentError('It takes a whole number from 2 on: the pictures of one fold are asked of the others.');
  return value;
}
