import { between, chance, randomStream, type Random } from './random.js';

/** What can stand between an examiner and a good picture; each is a flag of the truth. */
export const DISTURBANCES = [
  'motion-blur',
  'defocus',
  'red-out',
  'bubbles',
  'water',
  'instrument',
  'narrow-band',
  'colour-cast',
  'interlacing',
  'compression',
  'out-of-body',
  'processor-screen',
] as const;

export type Disturbance = (typeof DISTURBANCES)[number];

/** A disturbance over a stretch of time. */
export interface Episode {
  readonly kind: Disturbance;
  readonly startS: number;
  readonly endS: number;
  /** 0…1 at its height. */
  readonly strength: number;
  /** For what the episode draws for itself. */
  readonly seed: number;
}

interface Habit {
  readonly perMinute: number;
  readonly shortestS: number;
  readonly longestS: number;
}

/** How often and how long, as they come and go within a procedure. */
const HABITS: Readonly<Partial<Record<Disturbance, Habit>>> = {
  'motion-blur': { perMinute: 3.2, shortestS: 0.3, longestS: 0.8 },
  defocus: { perMinute: 1.6, shortestS: 0.4, longestS: 1.2 },
  'red-out': { perMinute: 2, shortestS: 0.35, longestS: 1.1 },
  bubbles: { perMinute: 2, shortestS: 1.5, longestS: 5 },
  water: { perMinute: 1.4, shortestS: 0.5, longestS: 1.2 },
  instrument: { perMinute: 0.7, shortestS: 1.5, longestS: 4 },
  'narrow-band': { perMinute: 0.7, shortestS: 2.5, longestS: 6 },
  compression: { perMinute: 0.8, shortestS: 1, longestS: 3 },
};

/** How many patients are recorded through such a chain from begin to end. */
const THROUGHOUT: Readonly<Partial<Record<Disturbance, number>>> = { 'colour-cast': 0.35, interlacing: 0.25, 'processor-screen': 1 };

/** Seconds outside the body at both ends of a procedure. */
const OUT_OF_BODY_S = 1.6;

export function planEpisodes(seed: number, tract: string, durationS: number, wanted: ReadonlySet<Disturbance>): Episode[] {
  return DISTURBANCES.flatMap((kind) => {
    if (!wanted.has(kind)) return [];
    // A stream per kind: leaving one out changes nothing of the others.
    const random = randomStream(seed, tract, 'episodes', kind);
    const share = THROUGHOUT[kind];
    if (share !== undefined) return chance(random, share) ? [episode(kind, 0, durationS, random)] : [];
    if (kind === 'out-of-body') {
      return [episode(kind, 0, OUT_OF_BODY_S, random), episode(kind, durationS - OUT_OF_BODY_S, durationS, random)];
    }
    const habit = HABITS[kind];
    return habit === undefined ? [] : scattered(kind, habit, durationS, random);
  });
}

function scattered(kind: Disturbance, habit: Habit, durationS: number, random: Random): Episode[] {
  const episodes: Episode[] = [];
  let timeS = OUT_OF_BODY_S;
  while (true) {
    // Waiting times of a Poisson process, never less than a second after the last episode.
    timeS += 1 + (-Math.log(1 - random()) * 60) / habit.perMinute;
    const endS = timeS + between(random, habit.shortestS, habit.longestS);
    if (endS > durationS - OUT_OF_BODY_S) return episodes;
    episodes.push(episode(kind, timeS, endS, random));
    timeS = endS;
  }
}

function episode(kind: Disturbance, startS: number, endS: number, random: Random): Episode {
  return { kind, startS, endS, strength: between(random, 0.6, 1), seed: Math.floor(random() * 0x1_0000_0000) };
}

/** Strength of an episode at an instant, 0…1; it swells and fades within a quarter of its time, or 0.3 s. */
export function strengthAt(episode: Episode, timeS: number): number {
  if (timeS < episode.startS || timeS > episode.endS) return 0;
  if (episode.kind === 'out-of-body' || episode.kind in THROUGHOUT) return episode.strength;
  const edgeS = Math.min(0.3, (episode.endS - episode.startS) / 4);
  const fade = Math.min(1, (timeS - episode.startS) / edgeS, (episode.endS - timeS) / edgeS);
  return episode.strength * fade;
}
