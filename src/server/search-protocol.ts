/** What the server answers to `POST /api/search`, as JSON, shared with the client. Scores and similarities are 0…1 and −1…1. */
export interface SearchAnswer {
  /** False when the picture is farther from the gallery than its calibrated threshold: every label is then only a guess. */
  known: boolean;
  confidence: number;
  /** The threshold of `known`; null when the gallery was too small to calibrate. */
  threshold: number | null;
  /** Shares of the vote, best first. */
  scores: { label: string; name: string; score: number }[];
  /** Nearest first; their pictures are at `/thumbnails/EXEMPLAR.jpg`. */
  neighbours: { exemplar: number; label: string; name: string; similarity: number; path: string }[];
  /** Data URI of what was compared: the field of view of the picture. */
  compared: string;
}
