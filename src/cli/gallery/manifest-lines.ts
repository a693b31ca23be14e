import { classInfo } from '../../common/landmarks.js';
import type { GalleryManifest } from '../../retrieval/manifest.js';
import { percent, tableLines } from '../terminal/table.js';

/** Below this, what is known and what is not overlap so far that most of one has to be given up for the other. */
const WEAK_AUROC = 0.7;

/** What a gallery holds and how it was calibrated, for the terminal. */
export function manifestLines(manifest: GalleryManifest): string[] {
  const { calibration, model, index } = manifest;
  return [
    `${manifest.name}: ${manifest.exemplars} exemplars, ${model.name} (${model.fingerprint.slice(0, 12)}, ${model.dimension} dimensions), built ${manifest.builtAt} by ${manifest.software}`,
    '',
    ...tableLines(
      ['exemplars', 'label', 'kind', 'name'],
      [...manifest.labels]
        .sort((a, b) => b.exemplars - a.exemplars)
        .map(({ id, exemplars }) => [exemplars, id, classInfo(id).kind, classInfo(id).name]),
    ),
    '',
    `vote: ${manifest.vote.k} nearest, temperature ${manifest.vote.temperature}, prior exponent ${manifest.vote.priorExponent}`,
    calibration === null
      ? 'known: not calibrated, too few exemplars; every picture counts as known'
      : `known: false acceptance ${percent(calibration.chosen.falseAcceptance)} of ${calibration.unknownQueries} queries of left-out classes, ` +
        `loss ${percent(calibration.chosen.loss)} of ${calibration.knownQueries} queries of held classes, ` +
        `${percent(calibration.chosen.precision)} of those accepted with the right label (${calibration.method}; AUROC ${calibration.auroc.toFixed(3)})`,
    ...(calibration !== null && calibration.auroc < WEAK_AUROC
      ? [`WARNING: it hardly tells known from unknown (AUROC below ${WEAK_AUROC}); more pictures of each class, or a stronger model, may`]
      : []),
    index === null
      ? 'index: none, exact search'
      : `index: HNSW, recall@${index.k} ${index.recall.toFixed(4)} against exact search (${index.queries} queries)`,
  ];
}
