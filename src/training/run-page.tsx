import { Facts } from '../report/facts.js';
import { Figure } from '../report/figure.js';
import { intervalText, percentText } from '../report/format.js';
import { LineChart } from '../report/line-chart.js';
import { Notice } from '../report/notice.js';
import { renderPage } from '../report/page.js';
import { Table } from '../report/table.js';
import type { Finals, RunFacts } from './finetune.js';
import { isRestricted, settingRows, trainingText } from './model-card.js';
import type { EpochRecord, RunRecord, StepRecord } from './run-log.js';

/** Steps are averaged to about this many points of a curve. */
const POINTS = 300;

/** `run.html`: curves, data, settings and result of a run; `final` is null while it goes on. */
export function runPage(facts: RunFacts, records: readonly RunRecord[], final: Finals | null): string {
  const { options, opened, data } = facts;
  const steps = records.filter((record): record is StepRecord => record.type === 'step');
  const epochs = records.filter((record): record is EpochRecord => record.type === 'epoch');
  const restricted = opened.find(({ licence }) => isRestricted(licence));
  return renderPage(
    {
      title: 'Training run',
      subtitle: `${opened.map(({ name }) => name).join(' + ')}; ${trainingText(options.training)}`,
      provenance: {
        ...(options.command === undefined ? {} : { command: options.command }),
        details: Object.fromEntries(opened.map(({ name, sha256 }) => [name, `SHA-256 ${sha256}`])),
      },
    },
    <>
      {restricted === undefined ? null : (
        <Notice tone="danger">{`${restricted.name}: ${restricted.licence}. The adapter is derived from it: do not pass it on.`}</Notice>
      )}
      {final === null ? <Notice>{`The run is not finished: ${steps.length} steps are done.`}</Notice> : null}
      <Facts facts={factsOf(facts, steps, epochs, final)} />
      <h2>Curves</h2>
      {validationChart(epochs, steps)}
      {stepChart(steps, 'loss', 'Loss of each step', (step) => step.loss)}
      {steps.some(({ minedTriplets }) => minedTriplets !== null)
        ? stepChart(steps, 'triplets', 'Triplets that the miner kept in each batch', (step) => step.minedTriplets ?? NaN)
        : null}
      {stepChart(steps, 'norm', `Gradient norm before it was clipped at ${options.settings.clip}`, (step) => step.gradientNorm)}
      <h2>Data</h2>
      <p>{`${data.summary.split}. ${data.summary.unreadable.length} unreadable pictures and ${data.summary.copies} copies left out.`}</p>
      <Table
        columns={[
          'class',
          { title: 'training', align: 'number' },
          { title: 'held back', align: 'number' },
          { title: 'Recall@1 before', align: 'number' },
          { title: 'Recall@1 after', align: 'number' },
        ]}
        rows={Object.entries(data.summary.classes).map(([label, counts]) => [
          label,
          counts.train,
          counts.val,
          percentText(final?.before?.perClass[label]?.recallAt1 ?? NaN),
          percentText(final?.after?.perClass[label]?.recallAt1 ?? NaN),
        ])}
      />
      {data.summary.unreadable.length === 0 ? null : (
        <Table
          caption="Unreadable pictures"
          columns={['file', 'why']}
          rows={data.summary.unreadable.map(({ path, reason }) => [path, reason])}
        />
      )}
      <h2>Settings</h2>
      <Table columns={['setting', 'value']} rows={settingRows(facts)} />
    </>,
  );
}

function factsOf({ data }: RunFacts, steps: readonly StepRecord[], epochs: readonly EpochRecord[], final: Finals | null) {
  const latest = epochs.at(-1)?.validation ?? null;
  const after = final?.after ?? null;
  return [
    {
      name: 'Pictures',
      value: `${data.summary.train} + ${data.summary.val}`,
      detail: `in ${data.summary.groups.train} + ${data.summary.groups.val} groups`,
    },
    { name: 'Steps', value: steps.length, detail: `${epochs.filter(({ epoch }) => epoch >= 0).length} epochs` },
    ...(final === null || final.before === null
      ? []
      : [
          {
            name: 'Recall@1 before',
            value: percentText(final.before.recallAt1),
            detail: `${intervalText(final.before.byGroup.recallAt1)}, n = ${final.before.n}`,
          },
        ]),
    after !== null
      ? { name: 'Recall@1 after', value: percentText(after.recallAt1), detail: `${intervalText(after.byGroup.recallAt1)}, n = ${after.n}` }
      : {
          name: 'Recall@1 so far',
          value: percentText(latest?.recallAt1 ?? NaN),
          detail: latest === null ? 'nothing held back' : `n = ${latest.n}`,
        },
    ...(final === null || final.bestEpoch === null
      ? []
      : [{ name: 'Taken', value: `epoch ${final.bestEpoch + 1}`, detail: 'best by Recall@1' }]),
  ];
}

function validationChart(epochs: readonly EpochRecord[], steps: readonly StepRecord[]) {
  const measured = epochs.flatMap(({ epoch, validation }) => (validation === null ? [] : [{ at: epoch + 1, validation }]));
  if (measured.length === 0) return <p class="dim">Nothing is held back, so that there is no validation.</p>;
  const best = epochs.findLast((record) => record.best);
  const marks =
    best === undefined || best.validation === null
      ? []
      : [{ x: best.epoch + 1, y: best.validation.recallAt1, label: percentText(best.validation.recallAt1) }];
  return (
    <Figure
      caption={`Recall@1 of the pictures held back after each epoch, with its 95 % interval (groups drawn); epoch 0 is before training. ${steps.length} steps.`}
    >
      <LineChart
        title="Validation Recall@1"
        x={{ label: 'epoch' }}
        y={{ label: 'Recall@1', format: (value) => percentText(value, 0) }}
        series={[
          {
            name: 'Recall@1',
            points: measured.map(({ at, validation }) => [at, validation.recallAt1]),
            band: measured.map(({ at, validation }) => [at, ...validation.byGroup.recallAt1]),
            marks,
          },
          { name: 'mean of classes', points: measured.map(({ at, validation }) => [at, validation.classMeanRecallAt1]) },
        ]}
      />
    </Figure>
  );
}

function stepChart(steps: readonly StepRecord[], label: string, caption: string, of: (step: StepRecord) => number) {
  if (steps.length === 0) return null;
  const width = Math.max(1, Math.ceil(steps.length / POINTS));
  const points = Array.from({ length: Math.ceil(steps.length / width) }, (_, index): [number, number] => {
    const part = steps.slice(index * width, (index + 1) * width);
    return [part[0]?.step ?? 0, part.reduce((sum, step) => sum + of(step), 0) / part.length];
  });
  return (
    <Figure caption={`${caption}${width > 1 ? `, mean of ${width} steps` : ''}.`}>
      <LineChart title={caption} x={{ label: 'step' }} y={{ label }} height={240} series={[{ name: label, points }]} />
    </Figure>
  );
}
