import { Facts } from '../../report/facts.js';
import { intervalText, percentText } from '../../report/format.js';
import { Notice } from '../../report/notice.js';
import { renderPage } from '../../report/page.js';
import type { EvaluationReport } from '../report.js';
import { AblationSection } from './ablation-section.js';
import { ClassesSection } from './classes-section.js';
import { DataSection } from './data-section.js';
import { failurePictures } from './failure-pictures.js';
import { FailuresSection } from './failures-section.js';
import { MetricsSection } from './metrics-section.js';
import { OpenSetSection } from './open-set-section.js';

/**
 * A report as one self-contained HTML page.
 * @param thumbnail JPEG of a row of the evaluation, or null where there is none.
 */
export async function evaluationPage(report: EvaluationReport, thumbnail: (row: number) => Promise<Uint8Array | null>): Promise<string> {
  const pictures = await failurePictures(report.failures, thumbnail);
  const { model, data, software, command } = report;
  return renderPage(
    {
      title: 'How well are the right pictures found?',
      subtitle: report.title,
      provenance: {
        command,
        at: new Date(report.madeAt),
        details: {
          ...(model === null
            ? {}
            : { Model: `${model.name}, fingerprint ${model.fingerprint}${model.fitted ? ', fitted anew for every gallery' : ''}` }),
          ...(data.sha256 === null ? {} : { Pictures: `SHA-256 over labels and files ${data.sha256}` }),
          Evaluation: software,
        },
      },
    },
    <>
      <Summary report={report} />
      <MetricsSection report={report} />
      <ClassesSection report={report} />
      <AblationSection report={report} />
      <OpenSetSection report={report} />
      <FailuresSection failures={report.failures} paths={report.paths} pictures={pictures} />
      <DataSection report={report} />
    </>,
  );
}

/** A group that holds more of the pictures than this is a chain and no examination. */
const CHAINED_SHARE = 0.25;

function Summary({ report }: { readonly report: EvaluationReport }) {
  const { overall, intervals, classMean, data, withoutLookAlikes, ungrouped } = report;
  return (
    <>
      <p>
        Every query picture is compared with all pictures of a gallery. It counts as found when the most similar one shows the same thing.{' '}
        Here {report.n} queries of {Object.keys(report.perClass).length} classes were asked ({report.how}).
      </p>
      <Facts
        facts={[
          {
            name: 'Nearest picture is right (Recall@1)',
            value: percentText(overall['recall@1']),
            detail: `95 %: ${intervalText(intervals.overall['recall@1'])}`,
          },
          {
            name: 'The same, every class counted alike',
            value: percentText(classMean['recall@1']),
            detail: `95 %: ${intervalText(intervals.classMean['recall@1'])}`,
          },
          {
            name: 'A right one among the 5 nearest',
            value: percentText(overall['recall@5']),
            detail: `95 %: ${intervalText(intervals.overall['recall@5'])}`,
          },
          {
            name: 'Order of the whole gallery (mAP)',
            value: percentText(overall.mAP),
            detail: `95 %: ${intervalText(intervals.overall.mAP)}`,
          },
        ]}
      />
      {withoutLookAlikes === null ? null : (
        <Notice tone="warning" heading={`${withoutLookAlikes.removed} of the queries have a look-alike in the gallery`}>
          <p>
            They may show the same examination, which makes them easy. Without them Recall@1 is{' '}
            {percentText(withoutLookAlikes.retrieval.overall['recall@1'])} (95 %:{' '}
            {intervalText(withoutLookAlikes.retrieval.intervals.overall['recall@1'])}, n = {withoutLookAlikes.retrieval.n}).
          </p>
        </Notice>
      )}
      {ungrouped === null ? null : (
        <Notice heading="Pictures of one examination were held together">
          <p>
            {data.pictures} pictures form {data.groups} groups, of which none is on both sides. Had they been parted at random, Recall@1
            would have come out as {percentText(ungrouped.overall['recall@1'])} (class mean {percentText(ungrouped.classMean['recall@1'])}):
            the difference is recognition of examinations, not of what they show.
          </p>
        </Notice>
      )}
      {data.largestGroup <= data.pictures * CHAINED_SHARE ? null : (
        <Notice tone="warning" heading="A large part of the pictures is one group">
          {`The largest group holds ${data.largestGroup} of ${data.pictures} pictures. They are asked of what is left without them, which makes every number smaller and less certain than the model is. Where looks chain different examinations together, --ids-only holds together what the ids say and nothing else.`}
        </Notice>
      )}
      {report.queriesWithoutRelevantGallery === 0 ? null : (
        <Notice>
          {`${report.queriesWithoutRelevantGallery} more queries have a label of which the gallery has no picture. Nothing could have been found for them; they are left out of every number.`}
        </Notice>
      )}
    </>
  );
}
