/** One of the nearest exemplars of a query. */
export interface Neighbour {
  /** Position in the gallery. */
  readonly exemplar: number;
  readonly label: string;
  /** Cosine similarity, −1…1. */
  readonly similarity: number;
}

export interface ClassScore {
  readonly label: string;
  /** Share of the similarity-weighted vote after the classes' priors are divided out; all scores sum to 1. */
  readonly score: number;
}

/** The answer to one query. */
export interface Match {
  /** Nearest first. */
  readonly neighbours: readonly Neighbour[];
  /** Best first; classes without a vote are left out. */
  readonly scores: readonly ClassScore[];
  /** False when the query is farther from the gallery than the calibrated threshold: the label is then only a guess. */
  readonly known: boolean;
  /** The number compared with the gallery's threshold: how near, in standard deviations from what is usual for the best class; bare nearness without a calibration. */
  readonly confidence: number;
}
