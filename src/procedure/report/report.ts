import type { CoverageState } from '../../tracking/coverage.js';
import type { Sighting } from '../../tracking/sighting.js';
import type { QualityVerdict } from '../../tracking/detection.js';
import type { ProcedureDescription } from '../description.js';
import type { JudgedPhotograph } from '../photographs/documentation.js';
import type { PhotographLine, UnreadableLine } from '../photographs/photograph-line.js';
import type { Verification } from '../verify.js';

/** Said in every form of a report. */
export const RESEARCH_USE =
  'Research use only. Lumenmark is not a medical device; nothing in this report has been validated for a clinical decision.';

/** A picture of the folder. */
export interface ReportPicture {
  /** Below the folder. */
  readonly file: string;
  readonly landmark: string | null;
  /** Score of the quality gate, 0…1; null when it was not judged. */
  readonly quality: number | null;
  /** On the clock of the source, µs; null for a photograph. */
  readonly ptsUs: number | null;
}

export interface ReportSite {
  readonly id: string;
  readonly name: string;
  readonly optional: boolean;
  readonly state: CoverageState;
  /** Who set the state by hand, and why; null where the machine's word stands. */
  readonly setBy: { readonly by: string; readonly at: string; readonly reason: string } | null;
  readonly sightings: number;
  /** Time in view, ms. */
  readonly dwellMs: number;
  readonly still: ReportPicture | null;
  /** Photographs by index; empty where there is a video. */
  readonly documentedBy: readonly number[];
  readonly doubtful: readonly number[];
  readonly guesses: readonly number[];
}

/** Something that a person did, or that happened to the recording. */
export interface ReportEvent {
  /** Line of the journal. */
  readonly line: number;
  readonly at: string;
  readonly by: string;
  readonly type: string;
  /** On the clock of the source, µs; null where it has none. */
  readonly ptsUs: number | null;
  readonly text: string;
  /** Said after the procedure was closed. */
  readonly amendment: boolean;
}

export interface ReportPhotograph extends Omit<PhotographLine, keyof JudgedPhotograph>, JudgedPhotograph {
  readonly verdict: QualityVerdict;
  /** Nearest exemplars; `file` is the thumbnail below the folder, if it was kept. */
  readonly nearest: readonly { readonly exemplar: number; readonly label: string; readonly similarity: number; readonly file: string }[];
  /** Who corrected it last, and why. */
  readonly correction: { readonly by: string; readonly at: string; readonly reason: string } | null;
}

/** All that a report says, as JSON. */
export interface ProcedureReport {
  readonly format: 'lumenmark-report';
  readonly version: 1;
  readonly notice: string;
  readonly id: string;
  readonly kind: ProcedureDescription['kind'];
  readonly state: 'open' | 'closed' | 'interrupted';
  readonly label: string | null;
  readonly startedAt: string;
  /** Of the last line of the journal. */
  readonly lastAt: string;
  /** Where the clock of the source stood at its beginning, µs: what people read counts from it. 0 for photographs. */
  readonly startPtsUs: number;
  readonly source: ProcedureDescription['source'];
  readonly checklist: { readonly id: string; readonly name: string; readonly citation: string; readonly status: string };
  /** Required sites; `required` leaves out those that the gallery cannot recognise, of which there are `unsupported`. */
  readonly completeness: {
    readonly required: number;
    readonly documented: number;
    readonly seen: number;
    readonly missing: number;
    readonly unsupported: number;
  };
  readonly sites: readonly ReportSite[];
  /** Null where they were not taken. */
  readonly timers: { readonly totalMs: number; readonly inspectionMs: number | null; readonly withdrawalMs: number | null } | null;
  readonly sightings: readonly Sighting[];
  readonly events: readonly ReportEvent[];
  readonly photographs: readonly ReportPhotograph[];
  readonly unreadable: readonly Omit<UnreadableLine, 'type'>[];
  readonly model: ProcedureDescription['model'];
  readonly gallery: Omit<ProcedureDescription['gallery'], 'labels'> & { readonly labels: readonly string[] };
  readonly analysis: ProcedureDescription['analysis'];
  readonly versions: ProcedureDescription['versions'];
  readonly verification: Omit<Verification, 'folder'>;
}

/** Data URIs of pictures by their path below the folder; what is missing there has no picture. */
export type ReportPictures = ReadonlyMap<string, string>;
