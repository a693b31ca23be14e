/** What does not hold of a procedure's folder. `line` counts from 0, as `seq` does; null where it is about a whole file. */
export interface Finding {
  readonly kind: FindingKind;
  /**
   * `altered`: no crash leaves it like that. `unfinished`: as a crash leaves it, or as it is while it is written; that it was cut there on
   * purpose can be told with a head hash kept elsewhere, and not without.
   */
  readonly severity: 'altered' | 'unfinished';
  /** Path below the folder, with `/`. */
  readonly path: string;
  readonly line: number | null;
  /** One line for people. */
  readonly message: string;
}

export type FindingKind =
  | 'line-altered'
  | 'line-removed'
  | 'line-moved'
  | 'line-inserted'
  | 'line-unsealed'
  | 'line-torn'
  | 'seal-forged'
  | 'seal-of-another-key'
  | 'not-closed'
  | 'not-sealed'
  | 'description-altered'
  | 'folder-exchanged'
  | 'journal-missing'
  | 'file-altered'
  | 'file-missing'
  | 'file-unreadable'
  | 'file-unlisted'
  | 'file-no-file'
  | 'head-unknown'
  | 'key-unexpected';
