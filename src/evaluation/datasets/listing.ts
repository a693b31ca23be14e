/** A picture with what a data set says about it. */
export interface ListedPicture {
  /** Below the directory of the listing, with `/`. */
  readonly path: string;
  readonly label: string;
  /** What must stay together in a split: patient, examination, source. Null: not known. */
  readonly group: string | null;
  /** Where a split puts it: a fold (`0`, `1`, …) or a set (`train`, `validation`, `test`). Null: nowhere. */
  readonly part: string | null;
}

/** What a directory holds for an evaluation. */
export interface DatasetListing {
  /** That the paths are below. */
  readonly directory: string;
  readonly title: string;
  readonly pictures: readonly ListedPicture[];
  /** Labels that the table of known classes lacks, kept as they are. */
  readonly unknownLabels: readonly string[];
  /** Pictures in no class folder, or without a label; left out. */
  readonly unlabelled: readonly string[];
  /** Named in a table, but not there. */
  readonly missing: readonly string[];
  /** Where the `part` of the pictures comes from; null: no split is known. */
  readonly split: string | null;
  /** What a reader of the numbers must know. */
  readonly notes: readonly string[];
  /** What may be done with the pictures; null: not known. */
  readonly licence: string | null;
}

export interface ReadDatasetOptions {
  /** Keep the names of the data set as labels, instead of mapping them to canonical ids. */
  readonly keepLabels: boolean;
  /** Of several tables of folds, the one with so many; default: the one of the published results. */
  readonly folds?: number;
  /** Column that labels pictures in a data set with several annotators. */
  readonly labelColumn?: string;
}

/** A public data set whose layout is known. */
export interface KnownDataset {
  readonly id: 'kvasir' | 'hyperkvasir' | 'gastrovision' | 'gastrohun';
  readonly title: string;
  /** Whether a directory looks like it. */
  recognise(directory: string): Promise<boolean>;
  read(directory: string, options: ReadDatasetOptions): Promise<DatasetListing>;
}
