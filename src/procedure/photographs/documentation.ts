import type { Checklist } from '../../tracking/checklist.js';
import { MIN_STILL_QUALITY, type CoverageState, type ManualMark } from '../../tracking/coverage.js';
import type { PhotographLine } from './photograph-line.js';

/** What a person said of a photograph; the last word of each photograph counts. */
export interface AssignmentCorrection {
  /** Name of the picture, as `PhotographLine.picture`. */
  readonly picture: string;
  /** Null: it shows no landmark. The machine's own answer: it was confirmed. */
  readonly landmark: string | null;
}

/** A photograph with what counts for it: the word of a person, or else the machine's. */
export interface JudgedPhotograph extends PhotographLine {
  /** What a person said; undefined when nobody did. */
  readonly corrected: string | null | undefined;
  /** The landmark that counts: of an assignment that is sure, or was made by hand. */
  readonly counts: string | null;
  /** The landmark that it may show, where nobody has looked yet: of one that is doubtful. */
  readonly mayShow: string | null;
  /** Score of the quality gate, 0…1. */
  readonly quality: number;
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

/** Applies what was said by hand. `qualityOf` gives the score of the quality gate of a photograph. */
export function judgePhotographs(
  photographs: readonly PhotographLine[],
  qualityOf: (index: number) => number,
  corrections: readonly AssignmentCorrection[],
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
      quality: qualityOf(photograph.index),
    };
  });
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

/** Counts of the required sites that can be told, as on the overlay. */
export function completeness(sites: readonly Pick<SiteDocumentation, 'optional' | 'state'>[]): {
  required: number;
  documented: number;
  seen: number;
  unsupported: number;
} {
  const required = sites.filter(({ optional }) => !optional);
  const having = (state: CoverageState): number => required.filter((site) => site.state === state).length;
  const unsupported = having('unsupported');
  return { required: required.length - unsupported, documented: having('documented'), seen: having('seen'), unsupported };
}

function bestFirst(photographs: readonly JudgedPhotograph[]): number[] {
  const value = ({ corrected, score, quality }: JudgedPhotograph): number =>
    (corrected === undefined ? 0 : 1) + (quality >= MIN_STILL_QUALITY ? 1 : 0) + score * quality;
  return [...photographs].sort((a, b) => value(b) - value(a) || a.index - b.index).map(({ index }) => index);
}
