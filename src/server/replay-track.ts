import type { DetectionHead } from '../procedure/detection-index.js';
import type { ReplayTrack } from './procedure-protocol.js';
import type { QualityVerdict } from './protocol.js';

/** Detections as columns, with the answer of each frame alone as the live page gets it. */
export function replayTrack(heads: readonly DetectionHead[]): ReplayTrack {
  const labels: string[] = [];
  const verdicts: QualityVerdict[] = [];
  const labelNumbers = new Map<string, number>();
  const numberOf = (label: string | null): number => {
    if (label === null) return -1;
    let number = labelNumbers.get(label);
    if (number === undefined) {
      number = labels.push(label) - 1;
      labelNumbers.set(label, number);
    }
    return number;
  };
  const verdictOf = (verdict: QualityVerdict): number => {
    const known = verdicts.indexOf(verdict);
    return known >= 0 ? known : verdicts.push(verdict) - 1;
  };
  // A frame that may not vote answers nothing.
  const answers = heads.map(({ known, quality, best }) => (known && quality.verdict === 'good' ? best : null));
  return {
    frameId: heads.map(({ frameId }) => frameId),
    ptsUs: heads.map(({ ptsUs }) => ptsUs),
    landmark: heads.map(({ current }) => numberOf(current.landmark)),
    score: heads.map(({ current }) => current.score),
    frameLabel: answers.map((answer) => numberOf(answer?.label ?? null)),
    frameScore: answers.map((answer) => answer?.score ?? 0),
    known: heads.map(({ known }) => Number(known)),
    quality: heads.map(({ quality }) => verdictOf(quality.verdict)),
    qualityScore: heads.map(({ quality }) => quality.score),
    annotationAgeMs: heads.map(({ annotationAgeMs }) => annotationAgeMs),
    labels,
    verdicts,
  };
}
