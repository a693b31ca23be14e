import type { AssignedPhotograph } from './documentation.js';

/** Folder of a procedure with thumbnails of the exemplars that its photographs resemble most. */
export const EVIDENCE_FOLDER = 'evidence';
/** Nearest exemplars kept and shown per photograph. */
export const EVIDENCE_SHOWN = 3;

/** Where the thumbnail of an exemplar is, below the procedure's folder. */
export function evidencePath(exemplar: number): string {
  return `${EVIDENCE_FOLDER}/${exemplar}.jpg`;
}

/** Whether the thumbnails of its nearest exemplars were kept: of what repeats another or is unusable nobody asks. */
export function hasEvidence({ outcome, repeats }: Pick<AssignedPhotograph, 'outcome' | 'repeats'>): boolean {
  return repeats === null && outcome !== 'unusable';
}
