/** What the server tells of audited photographs, as JSON, shared with the client. Scores and shares are 0…1. */
import type { QualityVerdict, SiteState } from './protocol.js';

export interface PhotographSite {
  id: string;
  name: string;
  optional: boolean;
  /** Landmarks that prove it; the first stands for it when somebody assigns a photograph to the site. */
  landmarks: string[];
  state: SiteState;
  /** True when the state was set by hand. */
  manual: boolean;
  /** Photographs by index, the best first. */
  documentedBy: number[];
  doubtful: number[];
}

export interface AuditedPhotograph {
  index: number;
  /** File, and which picture of it. */
  name: string;
  /** What it is called in the procedure's folder, e.g. `photographs/0007.jpg`. */
  file: string;
  /** Path of the picture on this server. */
  picture: string;
  /** What the machine made of it; never changes. */
  outcome: 'assigned' | 'doubtful' | 'unknown' | 'other' | 'unusable';
  landmark: string | null;
  /** Best class of the vote, landmark or not. */
  shows: string | null;
  score: number;
  /** What the gallery's calibration saw of pictures at least as near; null without calibration. */
  precision: number | null;
  verdict: QualityVerdict;
  quality: number;
  doubts: ('contested' | 'soft' | 'imprecise' | 'uncalibrated')[];
  /** The photograph that it repeats. */
  repeats: number | null;
  /** The landmark that counts, or null. */
  counts: string | null;
  /** What a person said last; null when nobody did. */
  correction: { landmark: string | null; by: string; at: string; reason: string } | null;
  /** Nearest exemplars; `picture` is null where none was kept. */
  nearest: { label: string; similarity: number; picture: string | null }[];
}

/** `GET /api/procedures/ID/photographs`, and the answer to a correction. */
export interface PhotographsAnswer {
  id: string;
  label: string | null;
  source: string;
  startedAt: string;
  checklist: string;
  completeness: { required: number; documented: number; seen: number; missing: number; unsupported: number };
  sites: PhotographSite[];
  photographs: AuditedPhotograph[];
  unreadable: number;
  /** Landmarks that a photograph can be assigned to, beside those of sites. */
  landmarks: string[];
  /** Names of labels. */
  names: Record<string, string>;
  /** Of the last seal. */
  headHash: string | null;
  closed: boolean;
}

/** Body of `POST /api/procedures/ID/assignments`. */
export interface AssignmentRequest {
  /** As `AuditedPhotograph.file`. */
  file: string;
  /** Null: it shows no landmark. The machine's own answer: it is confirmed. */
  landmark: string | null;
  reason: string;
  /** Who says so. */
  by: string;
}
