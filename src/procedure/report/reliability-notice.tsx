import { percentText } from '../../report/format.js';
import { Notice } from '../../report/notice.js';
import type { ProcedureReport } from './report.js';

/** More than this is so much that a reader must be told first. */
const MUCH = 0.3;

/** How far to believe what is said of photographs: what the gallery's calibration saw of its own pictures. Nothing where nobody said. */
export function ReliabilityNotice({ calibration }: { readonly calibration: ProcedureReport['gallery']['calibration'] }) {
  if (calibration === undefined) return null;
  if (calibration === null) {
    return (
      <Notice tone="warning" heading="Nothing is known about how often this gallery errs">
        {
          'It is too small to be calibrated: nothing is unknown to it, and any picture gets one of its landmarks. Check each assignment by eye.'
        }
      </Notice>
    );
  }
  const { falseAcceptance, loss, knownQueries, unknownQueries } = calibration;
  const words = [
    `When it was calibrated on its own pictures, it refused ${percentText(loss, 0)} of ${knownQueries} whose class it has, and took ${percentText(falseAcceptance, 0)} of ${unknownQueries} whose class it lacks for known (each class counted alike).`,
    ...(loss > MUCH
      ? ['A site that is called missing may well have been photographed: look at what is called unlike anything in the gallery.']
      : []),
    ...(falseAcceptance > MUCH ? ['A site that is called documented may show something else: look at its evidence.'] : []),
    'Photographs from another centre fare worse than that.',
  ];
  const weak = words.length > 2;
  return (
    <Notice {...(weak ? { tone: 'warning' as const } : {})} heading={weak ? 'This gallery errs often' : 'How often this gallery errs'}>
      {words.join(' ')}
    </Notice>
  );
}
