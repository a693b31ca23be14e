import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { lumenmarkHome } from '../../common/home.js';
import { UsageError } from '../../common/errors.js';
import { progressBar } from '../../common/progress.js';
import { evaluationPage } from '../../evaluation/page/evaluation-page.js';
import { protocolPage } from '../../evaluation/page/protocol-page.js';
import { runKim2025, type ProtocolResult } from '../../evaluation/protocols/run-kim2025.js';
import { decodeStill, thumbnailOf } from '../../media/stills.js';
import { cacheOf } from '../flags/cache.js';
import { commandLine } from '../terminal/command-line.js';
import type { EvaluateFlags } from './flags.js';
import { abortable } from '../terminal/interrupt.js';
import { reportFile } from './report-file.js';
import { percent, tableLines } from '../terminal/table.js';

/** `lumenmark evaluate --protocol kim2025`: the test of the paper, as far as it tells. */
export async function evaluateProtocolCommand(flags: EvaluateFlags): Promise<void> {
  const { kvasir, hyperkvasir } = flags;
  if (kvasir === undefined || hyperkvasir === undefined) {
    throw new UsageError('protocol-data', '--protocol kim2025 needs both data sets', {
      remedy: 'Name the folders into which they were unpacked: --kvasir DIR --hyperkvasir DIR.',
    });
  }
  const target = flags.report === undefined ? null : await reportFile(flags.report);
  const bar = progressBar();
  try {
    const { result, files } = await abortable((signal) =>
      runKim2025({
        kvasir,
        hyperkvasir,
        model: flags.model,
        home: lumenmarkHome(),
        out: flags.out ?? 'kim2025',
        ...(flags.perClass === undefined ? {} : { perClass: flags.perClass }),
        untrained: flags.untrained,
        ...(flags.steps === undefined ? {} : { steps: flags.steps }),
        device: flags.device,
        ...cacheOf(flags),
        command: commandLine(),
        signal,
        onProgress: (label, done, total) => {
          bar.update({ label, done, total });
        },
      }),
    );
    bar.end();
    if (target !== null) {
      await writeFile(target.html, protocolPage(result, commandLine()));
      if (target.json !== null) await writeFile(target.json, `${JSON.stringify(result, null, 2)}\n`);
      const thumbnail = async (row: number): Promise<Uint8Array | null> =>
        thumbnailOf(await decodeStill(files[row] ?? ''), null, { maxSide: 220, quality: 78 }).catch(() => null);
      for (const { name, report } of result.runs)
        await writeFile(join(dirname(target.html), `${name.replace(' ', '-')}.html`), await evaluationPage(report, thumbnail));
    }
    console.log(flags.json ? JSON.stringify(result) : protocolLines(result).join('\n'));
    if (target !== null && !flags.json) console.log(`\nReport: ${target.html}`);
  } finally {
    bar.end();
  }
}

function protocolLines({ title, reported, runs, choices, faults, assembled, untrained }: ProtocolResult): string[] {
  const metrics = ['recall@1', 'recall@5', 'mAP'] as const;
  return [
    title,
    ...(untrained === null ? [] : [`NOTHING WAS TRAINED: ${untrained}. The paper’s numbers are those of a trained model.`]),
    `${assembled.pictures} pictures, ${assembled.perClass} of every class; ${assembled.copies} copies passed over`,
    '',
    ...tableLines(
      ['', 'queries', ...metrics.flatMap((name) => [name, '95 %']), 'with a look-alike'],
      [
        ['reported', 'not told', ...metrics.flatMap((name) => [percent(reported[name]), 'not told']), 'not told'],
        ...runs.map(({ name, report }) => [
          `here, ${name}`,
          report.n,
          ...metrics.flatMap((metric) => [
            percent(report.overall[metric]),
            report.intervals.overall[metric].map((end) => percent(end)).join(' – '),
          ]),
          report.withoutLookAlikes?.removed ?? 0,
        ]),
      ],
    ),
    '',
    'Where the paper left a choice:',
    ...choices.map((choice) => `  - ${choice}`),
    'Faults of the published code that were not repeated:',
    ...faults.map((fault) => `  - ${fault}`),
  ];
}
