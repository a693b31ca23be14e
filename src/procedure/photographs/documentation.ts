import type { Checklist } from '../../tracking/checklist.js';
import { MIN_STILL_QUALITY, type Coverage, type CoverageState, type ManualMark } from '../../tracking/coverage.js';
import type { Entry } from '../entries.js';
import type { Outcome } from './assign.js';

/** What the machine made of one photograph. */
export interface AssignedPhotograph {
  /** Counts up from 0 in the order of the names. */
  readonly index: number;
  /** The picture that was looked at, below the procedure's folder. */
  readonly picture: string;
  readonly outcome: Outcome;
  /** The landmark, or for `unknown` the guess. */
  readonly landmark: string | null;
  /** Share of the vote, 0…1. */
  readonly score: number;
  /** Score of the quality gate, 0…1. */
  readonly quality: number;
  /** The photograph that it repeats. */
  readonly repeats: number | null;
}

/** What a person said of a photograph; the last word of each photograph counts. */
export interface AssignmentCorrection {
  /** As `AssignedPhotograph.picture`. */
  readonly picture: string;
  /** Null: it shows no landmark. The machine's own answer: it was confirmed. */
  readonly landmark: string | null;
}

/** A photograph with what counts for it: the word of a person, or else the machine's. */
export interface JudgedPhotograph extends AssignedPhotograph {
  /** What a person said; undefined when nobody did. */
  readonly corrected: string | null | undefined;
  /** The landmark that counts: of an assignment that is sure, or was made by hand. */
  readonly counts: string | null;
  /** The landmark that it may show, where nobody has looked yet: of one that is doubtful. */
  readonly mayShow: string | null;
}

/** The photographs of a journal, with what was said of them since; empty where the procedure has none. */
export function photographsOfJournal(entries: readonly Entry[]): JudgedPhotograph[] {
  const photographs: AssignedPhotograph[] = [];
  const corrections: AssignmentCorrection[] = [];
  for (const entry of entries) {
    if (entry.type === 'photograph') {
      const { index, file, outcome, landmark, score, quality, repeats } = entry;
      photographs.push({ index, picture: file, outcome, landmark, score, quality, repeats });
    } else if (entry.type === 'assignment') corrections.push({ picture: entry.file, landmark: entry.to });
  }
  return judgePhotographs(photographs, corrections);
}

/** Applies what was said by hand. */
export function judgePhotographs(
  photographs: readonly AssignedPhotograph[],
  corrections: readonly AssignmentCorrection[] = [],
): JudgedPhotograph[] {
  const said = new Map(corrections.map(({ picture, landmark }) => [picture, landmark]));
  return photographs.map((photograph) => {
    const corrected = said.get(photograph.picture);
    const byMachine = photograph.outcome === 'assigned' ? photograph.landmark : null;
    return {
      ...photograph,
      corrected,
      counts: corrected === undefined ? byMachine : corrected,
      mayShow: corrected === undefined && photograph.outcome === 'doubtful' ? photograph.landmark : null,
    };
  });
}

export interface SiteDocumentation {
  readonly id: string;
  readonly name: string;
  readonly optional: boolean;
  readonly state: CoverageState;
  /** True when the state was set by hand. */
  readonly manual: boolean;
  /** Photographs that document it, the best first; repetitions left out. */
  readonly documentedBy: readonly number[];
  /** Photographs that somebody should look at. */
  readonly doubtful: readonly number[];
  /** Photographs whose nearest landmark is of this site, though they resemble nothing in the gallery well enough. */
  readonly guesses: readonly number[];
}

/**
 * Which sites are documented, and by which photographs. A doubtful photograph makes a site `seen`: somebody should look. One that a
 * person assigned documents it whatever its quality, and counts even when it repeats another.
 */
export function documentation(
  checklist: Checklist,
  labels: readonly string[],
  photographs: readonly JudgedPhotograph[],
  marks: readonly ManualMark[] = [],
): SiteDocumentation[] {
  const inGallery = new Set(labels);
  const marked = new Map(marks.map(({ siteId, state }) => [siteId, state]));
  const counted = photographs.filter(({ repeats, corrected }) => repeats === null || corrected !== undefined);
  return checklist.sites.map((site) => {
    const serves = (landmark: string | null): boolean => landmark !== null && site.landmarks.includes(landmark);
    const documentedBy = bestFirst(counted.filter(({ counts }) => serves(counts)));
    const doubtful = bestFirst(counted.filter(({ mayShow }) => serves(mayShow)));
    const guesses = bestFirst(
      counted.filter(({ outcome, corrected, landmark }) => outcome === 'unknown' && corrected === undefined && serves(landmark)),
    );
    const found: CoverageState =
      documentedBy.length > 0
        ? 'documented'
        : doubtful.length > 0
          ? 'seen'
          : site.landmarks.some((landmark) => inGallery.has(landmark))
            ? 'unseen'
            : 'unsupported';
    const byHand = marked.get(site.id) ?? null;
    const { id, name, optional } = site;
    return { id, name, optional, state: byHand ?? found, manual: byHand !== null, documentedBy, doubtful, guesses };
  });
}

/** The same as the coverage of a procedure: without sightings, the best photograph as the still of its site. */
export function coverageOfPhotographs(
  checklist: Checklist,
  labels: readonly string[],
  photographs: readonly JudgedPhotograph[],
  marks: readonly ManualMark[] = [],
): Coverage {
  const byIndex = new Map(photographs.map((photograph) => [photograph.index, photograph]));
  const sites = documentation(checklist, labels, photographs, marks).map(({ id, state, manual, optional, documentedBy }) => {
    const best = byIndex.get(documentedBy[0] ?? -1);
    const still = best === undefined ? null : { landmark: best.counts ?? '', frameId: best.index, ptsUs: 0, quality: best.quality };
    return { id, state, manual, optional, sightings: 0, dwellMs: 0, bestSighting: null, bestFrame: null, still };
  });
  const required = sites.filter(({ optional, state }) => !optional && state !== 'unsupported');
  return {
    checklistId: checklist.id,
    sites,
    required: required.length,
    seen: required.filter(({ state }) => state !== 'unseen').length,
    documented: required.filter(({ state }) => state === 'documented').length,
  };
}

function bestFirst(photographs: readonly JudgedPhotograph[]): number[] {
  const value = ({ corrected, score, quality }: JudgedPhotograph): number =>
    (corrected === undefined ? 0 : 1) + (quality >= MIN_STILL_QUALITY ? 1 : 0) + score * quality;
  return [...photographs].sort((a, b) => value(b) - value(a) || a.index - b.index).map(({ index }) => index);
}
