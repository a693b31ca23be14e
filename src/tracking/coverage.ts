import type { Checklist } from './checklist.js';
import type { BestFrame, Sighting } from './sighting.js';

/** See `coverage` in the vocabulary; the wire's `SiteState` is the same list. */
export type CoverageState = 'unsupported' | 'unseen' | 'seen' | 'documented';

/** A picture that is kept. */
export interface KeptStill {
  readonly landmark: string;
  readonly frameId: number;
  readonly ptsUs: number;
  /** Score of the quality gate, 0…1. */
  readonly quality: number;
}

/** A state set by hand. The last mark of a site counts; `null` takes earlier ones back. */
export interface ManualMark {
  readonly siteId: string;
  readonly state: 'unseen' | 'seen' | 'documented' | null;
}

export interface SiteCoverage {
  readonly id: string;
  readonly state: CoverageState;
  /** True when the state was set by hand. */
  readonly manual: boolean;
  readonly optional: boolean;
  /** How often the site was in view. */
  readonly sightings: number;
  /** Time in view, all sightings, ms. */
  readonly dwellMs: number;
  /** The sighting with the best frame, or null. */
  readonly bestSighting: Sighting | null;
  /** Its best frame: the one to keep as a still. */
  readonly bestFrame: BestFrame | null;
  /** Best adequate still that is kept, or null. */
  readonly still: KeptStill | null;
}

export interface Coverage {
  readonly checklistId: string;
  /** In the checklist's order. */
  readonly sites: readonly SiteCoverage[];
  /** Required sites that the gallery can recognise or that were set by hand … */
  readonly required: number;
  /** … and how many of them are at least seen, and documented. */
  readonly seen: number;
  readonly documented: number;
}

/**
 * Quality score from which a still documents a site. A real, slightly soft picture of an antrum reaches it; the close-ups of mucosa
 * before the lens touches it do not.
 */
export const MIN_STILL_QUALITY = 0.6;

export interface CoverageInput {
  /** Labels of the gallery. */
  readonly labels: readonly string[];
  /** Closed sightings, and the open one as it stands. */
  readonly sightings: readonly Sighting[];
  readonly stills?: readonly KeptStill[];
  readonly marks?: readonly ManualMark[];
}

/** The state of every site. Pure; call it again whenever its input changes. */
export function coverage(checklist: Checklist, { labels, sightings, stills = [], marks = [] }: CoverageInput): Coverage {
  const inGallery = new Set(labels);
  const marked = new Map(marks.map(({ siteId, state }) => [siteId, state]));
  const sites = checklist.sites.map((site): SiteCoverage => {
    const serves = new Set(site.landmarks);
    const seen = sightings.filter(({ landmark }) => serves.has(landmark));
    const bestSighting = largest(seen, ({ best }) => best.quality * best.score);
    const still = largest(
      stills.filter(({ landmark, quality }) => serves.has(landmark) && quality >= MIN_STILL_QUALITY),
      ({ quality }) => quality,
    );
    const byHand = marked.get(site.id) ?? null;
    const found: CoverageState =
      still !== null
        ? 'documented'
        : seen.length > 0
          ? 'seen'
          : site.landmarks.some((landmark) => inGallery.has(landmark))
            ? 'unseen'
            : 'unsupported';
    return {
      id: site.id,
      state: byHand ?? found,
      manual: byHand !== null,
      optional: site.optional,
      sightings: seen.length,
      dwellMs: seen.reduce((sum, { startPtsUs, endPtsUs }) => sum + (endPtsUs - startPtsUs) / 1000, 0),
      bestSighting,
      bestFrame: bestSighting?.best ?? null,
      still,
    };
  });
  const required = sites.filter(({ optional, state }) => !optional && state !== 'unsupported');
  return {
    checklistId: checklist.id,
    sites,
    required: required.length,
    seen: required.filter(({ state }) => state === 'seen' || state === 'documented').length,
    documented: required.filter(({ state }) => state === 'documented').length,
  };
}

function largest<T>(items: readonly T[], valueOf: (item: T) => number): T | null {
  return items.reduce<T | null>((best, item) => (best === null || valueOf(item) > valueOf(best) ? item : best), null);
}
