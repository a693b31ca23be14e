import { seededRandom } from '../common/random.js';
import { turnTaker } from '../common/turns.js';
import { chooseMeasure, MEASURES, type JudgedAnswer } from './choose-measure.js';
import { nameOfMeasure } from './confidence.js';
import { dealFolds } from './folds.js';
import { heldOutSearch, type HeldOutAnswer } from './held-out.js';
import type { Calibration } from './manifest.js';
import { lossByLabel } from './operating-point.js';
import { chooseVote, scoreClasses, type VoteOptions } from './vote.js';

export interface CalibrationGallery {
  /** `[labels.length, dimension]`, L2-normalised. */
  readonly embeddings: Float32Array;
  readonly labels: readonly string[];
  /** Near-duplicates of one another carry one number, as do pictures of one patient where that is known. */
  readonly groups: readonly number[];
  /**
   * The embeddings of all exemplars by a model that was fitted on `members` alone; null when the model is not fitted on the gallery. A
   * model that has seen an exemplar finds it easier than any picture that is to come. A fit on fewer pictures may keep fewer dimensions.
   */
  readonly refit: ((members: readonly number[]) => Float32Array) | null;
}

export interface CalibrateOptions {
  readonly k: number;
  /** Chosen on the gallery when absent. */
  readonly vote?: VoteOptions;
  /** Share of queries of a foreign class that may be taken for known. */
  readonly falseAcceptance: number;
  /** Queries of each kind, at most, spread over the classes. */
  readonly maxQueries?: number;
  readonly signal?: AbortSignal;
  readonly onProgress?: (share: number) => void;
}

export interface CalibrationOutcome {
  readonly vote: VoteOptions;
  /** Null when there are too few exemplars to tell: everything is then known. */
  readonly calibration: Calibration | null;
}

/** Fewer queries than this on either side say nothing about a rate. */
const MIN_QUERIES = 20;
const FOLDS = 5;
/** Where one class of two is taken out, nothing is left to fit a model on. */
const FEWEST_LABELS = 3;

/**
 * Calibrates vote and threshold on the gallery itself. Every exemplar is asked twice: once with others of its class in the gallery, and
 * once with its class, the classes that it is a part of and its parts left out; never with itself or its group.
 */
export async function calibrate(gallery: CalibrationGallery, options: CalibrateOptions): Promise<CalibrationOutcome> {
  const { labels, groups } = gallery;
  const fitsAnew = gallery.refit !== null && new Set(labels).size >= FEWEST_LABELS;
  const refit = fitsAnew ? gallery.refit : null;
  const everyone = labels.map((_, exemplar) => exemplar);
  const rounds = refit === null ? [{ known: everyone, unknown: everyone, members: everyone }] : dealFolds(labels, groups, FOLDS);
  const asked = new Set(spread(labels, options.maxQueries ?? 2000));
  const known: HeldOutAnswer[] = [];
  const foreign: HeldOutAnswer[] = [];
  const turn = turnTaker(options.signal);

  for (const { known: held, unknown, members } of rounds) {
    // Where all pictures are of one patient, nobody is left to ask.
    if (members.length === 0) continue;
    const embeddings = refit === null ? gallery.embeddings : refit(members);
    const search = heldOutSearch({ embeddings, labels, groups }, members, options.k, MEASURES);
    for (const query of held.filter((exemplar) => asked.has(exemplar))) {
      const answer = search(query, true);
      if (answer.counts.has(labels[query] ?? '')) known.push(answer);
      await turn();
    }
    for (const query of unknown.filter((exemplar) => asked.has(exemplar))) {
      const answer = search(query, false);
      if (answer.neighbours.length > 0) foreign.push(answer);
      await turn();
    }
    options.onProgress?.((known.length + foreign.length) / (2 * asked.size));
    await turn();
  }

  const vote = options.vote ?? chooseVote(known.map((answer) => ({ ...answer, label: labels[answer.query] ?? '' })));
  if (known.length < MIN_QUERIES || foreign.length < MIN_QUERIES) return { vote, calibration: null };
  const judge = ({ query, neighbours, counts, nearness }: HeldOutAnswer): JudgedAnswer => {
    const best = scoreClasses(neighbours, (label) => counts.get(label) ?? 0, vote)[0]?.label;
    return { label: labels[query] ?? '', best, nearness };
  };
  const chosen = chooseMeasure(known.map(judge), foreign.map(judge), labels, options.falseAcceptance);
  return {
    vote,
    calibration: {
      confidence: nameOfMeasure(chosen.measure),
      measure: chosen.measure,
      method: methodOf(rounds.length, fitsAnew, gallery.refit !== null),
      usual: chosen.usual,
      ...chosen.openSet,
      lossOf: lossByLabel(chosen.known, chosen.openSet.chosen),
    },
  };
}

function methodOf(rounds: number, fitsAnew: boolean, isFitted: boolean): string {
  if (fitsAnew) return `${rounds} folds, the model fitted anew in each`;
  return `leave one out, leave one class out${isFitted ? '; too good, because the model had seen all: two labels are too few to fit it anew' : ''}`;
}

/** At most `max` positions, every class with as many as the others as far as it has them; seeded. */
function spread(labels: readonly string[], max: number): number[] {
  if (labels.length <= max) return labels.map((_, at) => at);
  const random = seededRandom(1);
  const byLabel = new Map<string, { order: number; at: number }[]>();
  labels.forEach((label, at) => {
    const entries = byLabel.get(label) ?? [];
    entries.push({ order: random(), at });
    byLabel.set(label, entries);
  });
  const classes = [...byLabel.values()].map((entries) => entries.sort((a, b) => a.order - b.order));
  const chosen: number[] = [];
  for (let round = 0; chosen.length < max; round++) {
    for (const entries of classes) {
      const entry = entries[round];
      if (entry !== undefined && chosen.length < max) chosen.push(entry.at);
    }
  }
  return chosen;
}
