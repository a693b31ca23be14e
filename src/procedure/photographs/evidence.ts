/** Folder of a procedure with thumbnails of the exemplars that its photographs resemble most. */
export const EVIDENCE_FOLDER = 'evidence';
/** Nearest exemplars kept and shown per photograph. */
export const EVIDENCE_SHOWN = 3;

/** Where the thumbnail of an exemplar is, below the procedure's folder; there is none for photographs that were not assigned. */
export function evidencePath(exemplar: number): string {
  return `${EVIDENCE_FOLDER}/${exemplar}.jpg`;
}
