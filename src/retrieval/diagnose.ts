import { classesAround } from '../common/landmarks.js';
import { turnTaker } from '../common/turns.js';
import { similarity } from './exact-index.js';
import type { Gallery } from './gallery.js';

/** How well the exemplars of a class hold together, each asked for its nearest exemplars that are no near-duplicates of it. */
export interface ClassDiagnosis {
  readonly label: string;
  readonly exemplars: number;
  /** Mean cosine similarity of an exemplar to the nearest one of its own class; null where it has no other. */
  readonly cohesion: number | null;
  /**
   * Share of exemplars whose nearest exemplar is of their own class, or of one that it is a part of or contains; null where the class has no
   * other that is no near-duplicate.
   */
  readonly agreement: number | null;
  /** The other class that most often holds the nearest exemplar, and for what share; null where none does. */
  readonly rival: { readonly label: string; readonly share: number } | null;
}

/** An exemplar whose neighbours speak against its label. */
export interface Suspect {
  readonly exemplar: number;
  readonly label: string;
  /** Of its neighbours, the most frequent label, and for what share it stands. */
  readonly likelier: string;
  readonly share: number;
  /** Neighbours asked, nearest first. */
  readonly neighbours: readonly { readonly exemplar: number; readonly label: string; readonly similarity: number }[];
}

/** Near-duplicates under labels of which none is a part of the other: at least one of them is wrong. */
export interface Contradiction {
  readonly exemplars: readonly number[];
  readonly labels: readonly string[];
}

export interface GalleryDiagnosis {
  /** The model was fitted to these very labels, so that classes seem to hold together better than they do for pictures to come. */
  readonly fitted: boolean;
  /** Largest class first. */
  readonly classes: readonly ClassDiagnosis[];
  /** Most suspicious first. */
  readonly suspects: readonly Suspect[];
  readonly contradictions: readonly Contradiction[];
}

export interface DiagnoseOptions {
  readonly signal?: AbortSignal;
  readonly onProgress?: (done: number, total: number) => void;
}

/** Neighbours that are asked about a label. */
const ASKED = 10;
/** A label is suspect when at most this share of its neighbours has it … */
const OWN_AT_MOST = 0.1;
/** … and at least this share agrees on another one. */
const OTHER_AT_LEAST = 0.6;
/** A class with fewer others than this cannot show by its absence among the neighbours that a label is wrong. */
const OTHERS_AT_LEAST = 5;

/**
 * Looks for classes that are hard to tell apart and for exemplars that may carry a wrong label: those whose nearest neighbours
 * agree on another one (Wilson 1972, edited nearest neighbours, used to point rather than to delete). A class and one that it is a part of, such as antrum and stomach, do not speak
 * against each other.
 */
export async function diagnoseGallery(gallery: Gallery, options: DiagnoseOptions = {}): Promise<GalleryDiagnosis> {
  const { exemplars, embeddings, manifest } = gallery;
  const { dimension } = manifest.model;
  const turn = turnTaker(options.signal);
  const groupSizes = new Map<number, number>();
  for (const { group } of exemplars) groupSizes.set(group, (groupSizes.get(group) ?? 0) + 1);
  const tallies = new Map<string, ClassTally>();
  const suspects: Suspect[] = [];
  const members = membersByLabel(gallery);

  for (const [exemplar, { label, group }] of exemplars.entries()) {
    const vector = embeddings.subarray(exemplar * dimension, (exemplar + 1) * dimension);
    const k = Math.min(exemplars.length, ASKED + (groupSizes.get(group) ?? 1));
    const neighbours = gallery
      .match(vector, { k })
      .neighbours.filter((neighbour) => exemplars[neighbour.exemplar]?.group !== group)
      .slice(0, ASKED);
    const tally = tallies.get(label) ?? { exemplars: 0, agreeing: 0, cohesions: [], rivals: new Map<string, number>() };
    tallies.set(label, tally);
    tally.exemplars += 1;
    const [nearest] = neighbours;
    if (nearest !== undefined) {
      if (akin(nearest.label, label)) tally.agreeing += 1;
      else tally.rivals.set(nearest.label, (tally.rivals.get(nearest.label) ?? 0) + 1);
    }
    const own = nearestOwn(members.get(label) ?? [], exemplar, group);
    if (own !== null) tally.cohesions.push(own);
    const suspect = suspicion(exemplar, label, neighbours);
    if (suspect !== null && (members.get(label) ?? []).length > OTHERS_AT_LEAST) suspects.push(suspect);
    const waited = turn();
    if (waited !== undefined) {
      options.onProgress?.(exemplar, exemplars.length);
      await waited;
    }
  }

  function nearestOwn(own: readonly number[], exemplar: number, group: number): number | null {
    const vector = embeddings.subarray(exemplar * dimension, (exemplar + 1) * dimension);
    let best = -Infinity;
    for (const other of own) {
      if (exemplars[other]?.group !== group) best = Math.max(best, similarity(embeddings, other, vector));
    }
    return best === -Infinity ? null : best;
  }

  return {
    fitted: manifest.model.fitted,
    classes: [...tallies].map(([label, tally]) => diagnosisOf(label, tally)).sort((a, b) => b.exemplars - a.exemplars),
    suspects: suspects.sort((a, b) => b.share - a.share || a.exemplar - b.exemplar),
    contradictions: contradictionsOf(gallery),
  };
}

interface ClassTally {
  exemplars: number;
  agreeing: number;
  readonly cohesions: number[];
  readonly rivals: Map<string, number>;
}

function diagnosisOf(label: string, { exemplars, agreeing, cohesions, rivals }: ClassTally): ClassDiagnosis {
  const [rival] = [...rivals].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
  return {
    label,
    exemplars,
    cohesion: cohesions.length === 0 ? null : cohesions.reduce((sum, value) => sum + value, 0) / cohesions.length,
    agreement: cohesions.length === 0 ? null : agreeing / exemplars,
    rival: rival === undefined ? null : { label: rival[0], share: rival[1] / exemplars },
  };
}

/** Null when the neighbours do not speak clearly against the label. */
function suspicion(exemplar: number, label: string, neighbours: Suspect['neighbours']): Suspect | null {
  if (neighbours.length < ASKED / 2) return null;
  const counts = new Map<string, number>();
  for (const neighbour of neighbours) counts.set(neighbour.label, (counts.get(neighbour.label) ?? 0) + 1);
  const own = neighbours.filter((neighbour) => akin(neighbour.label, label)).length / neighbours.length;
  const [likelier, count] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? [label, 0];
  const share = count / neighbours.length;
  return own <= OWN_AT_MOST && share >= OTHER_AT_LEAST ? { exemplar, label, likelier, share, neighbours } : null;
}

function contradictionsOf({ exemplars }: Gallery): Contradiction[] {
  const byGroup = new Map<number, number[]>();
  for (const [exemplar, { group }] of exemplars.entries()) byGroup.set(group, [...(byGroup.get(group) ?? []), exemplar]);
  return [...byGroup.values()]
    .map((group) => ({ exemplars: group, labels: [...new Set(group.map((exemplar) => exemplars[exemplar]?.label ?? ''))] }))
    .filter(({ labels }) => labels.some((a) => labels.some((b) => !akin(a, b))));
}

function membersByLabel({ exemplars }: Gallery): ReadonlyMap<string, readonly number[]> {
  const members = new Map<string, number[]>();
  for (const [exemplar, { label }] of exemplars.entries()) members.set(label, [...(members.get(label) ?? []), exemplar]);
  return members;
}

function akin(a: string, b: string): boolean {
  return a === b || classesAround(a).includes(b) || classesAround(b).includes(a);
}
