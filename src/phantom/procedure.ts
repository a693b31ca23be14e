import type { Anatomy, Tract } from './anatomy/anatomy.js';
import { planEpisodes, strengthAt, type Disturbance, type Episode } from './disturbance.js';
import { randomStream } from './random.js';
import type { Pose } from './render.js';
import { planRoute, visibilityFrom } from './route.js';
import { SHORTEST_VISIT_US, type FrameTruth } from './truth.js';
import { compose, dot, rotate, turn } from './vector.js';

/** Everything that decides the pixels and the truth of a simulated procedure. */
export interface ProcedureOptions {
  readonly tract: Tract;
  /** The patient. */
  readonly seed: number;
  readonly durationS: number;
  /** Size of the whole picture, px. */
  readonly width: number;
  readonly height: number;
  readonly fps: number;
  readonly disturbances: readonly Disturbance[];
  /** Whether the examiner leaves parts out, as the seed decides: the truth is then without their visits. Default false. */
  readonly omissions?: boolean;
}

/** An episode at an instant. */
export interface ActiveEpisode {
  readonly episode: Episode;
  readonly strength: number;
  /** Pose half way through the episode: what lies on the wall is laid out from there, whichever frame is drawn first. */
  readonly middle: Pose;
}

/** What a frame is made of, beside the patient. */
export interface FramePlan {
  readonly index: number;
  readonly timeS: number;
  readonly pose: Pose;
  /** How far the picture's middle moves within half an exposure, right and down, rad. */
  readonly motionRad: readonly [right: number, down: number];
  /** How far the wall has closed over the lens, 0…1. */
  readonly covered: number;
  readonly active: readonly ActiveEpisode[];
  readonly truth: FrameTruth;
}

const HALF_EXPOSURE_S = 1 / 60;
/** Time between the two fields of an interlaced picture (1/50 s), in half exposures. */
export const FIELD_OF_HALF_EXPOSURE = 1.2;
/** Movement within half an exposure that smears so much that the truth says so, and that combs an interlaced picture visibly, rad. */
const SMEARED_RAD = 0.022;
const COMBED_RAD = 0.007;

/** Plans all frames of a procedure: the same options give the same plan. */
export function planProcedure(anatomy: Anatomy, options: ProcedureOptions): FramePlan[] {
  const { seed, tract, durationS, fps } = options;
  const route = planRoute(anatomy, { seed, durationS, omissions: options.omissions ?? false });
  const episodes = planEpisodes(seed, tract, durationS, new Set(options.disturbances));
  const middles = new Map(episodes.map((episode) => [episode, route.at((episode.startS + episode.endS) / 2).pose]));
  const stations = [...anatomy.stations.values()];
  const shake = makeShake(seed, tract);
  const poseAt = (timeS: number): { pose: Pose; blind: number } => {
    const { pose, blind } = route.at(timeS);
    const jerk = episodes.reduce((sum, episode) => sum + (episode.kind === 'motion-blur' ? strengthAt(episode, timeS) : 0), 0);
    return { pose: jerk > 0 ? shake(pose, timeS, jerk) : pose, blind };
  };

  const frames = Array.from({ length: Math.max(1, Math.round(durationS * fps)) }, (_, index): FramePlan => {
    const timeS = index / fps;
    const { pose, blind } = poseAt(timeS);
    const poseAfter = poseAt(timeS + HALF_EXPOSURE_S).pose;
    const active = episodes
      .map((episode) => ({ episode, strength: strengthAt(episode, timeS), middle: middles.get(episode) ?? pose }))
      .filter(({ strength }) => strength > 0.02);
    const red = active.find(({ episode }) => episode.kind === 'red-out')?.strength ?? 0;
    const outside = active.some(({ episode }) => episode.kind === 'out-of-body');
    const covered = Math.min(1, Math.max(blind, red * 1.25));
    const seen = stations
      .map((station) => ({ landmark: station.landmark, visibility: visibilityFrom(station, pose) }))
      .reduce((best, next) => (next.visibility > best.visibility ? next : best), { landmark: '', visibility: 0 });
    const forward = rotate(pose.orientation, [0, 0, 1]);
    const up = rotate(pose.orientation, [0, 1, 0]);
    const motionRad = motionBetween(pose, poseAfter);
    const flags = new Set<Disturbance>(active.filter(({ strength }) => strength > 0.25).map(({ episode }) => episode.kind));
    flags.delete('motion-blur');
    flags.delete('red-out');
    if (Math.abs(motionRad[0]) * FIELD_OF_HALF_EXPOSURE < COMBED_RAD) flags.delete('interlacing');
    if (Math.hypot(...motionRad) > SMEARED_RAD && options.disturbances.includes('motion-blur')) flags.add('motion-blur');
    if (covered > 0.45 && !outside) flags.add('red-out');
    return {
      index,
      timeS,
      pose,
      motionRad,
      covered,
      active,
      truth: {
        frame: index,
        ptsUs: Math.round((index * 1e6) / fps),
        tract,
        site: outside ? 'out-of-body' : anatomy.siteAt(pose.position),
        landmark: !outside && seen.visibility >= 0.5 ? seen.landmark : null,
        visibility: outside ? 0 : rounded(seen.visibility * (1 - covered)),
        flags: [...flags].sort(),
        pose: { positionMm: triple(pose.position), forward: triple(forward), up: triple(up) },
      },
    };
  });
  return withoutGlimpses(frames);
}

function motionBetween(before: Pose, after: Pose): [right: number, down: number] {
  const forward = rotate(after.orientation, [0, 0, 1]);
  return [-dot(forward, rotate(before.orientation, [-1, 0, 0])), dot(forward, rotate(before.orientation, [0, 1, 0]))];
}

function withoutGlimpses(frames: readonly FramePlan[]): FramePlan[] {
  const kept = [...frames];
  let start = 0;
  for (let index = 1; index <= kept.length; index++) {
    const landmark = frames[start]?.truth.landmark ?? null;
    if (index < frames.length && frames[index]?.truth.landmark === landmark) continue;
    const lastedUs = (frames[index - 1]?.truth.ptsUs ?? 0) - (frames[start]?.truth.ptsUs ?? 0);
    if (landmark !== null && lastedUs < SHORTEST_VISIT_US) {
      for (let glimpse = start; glimpse < index; glimpse++) {
        const frame = frames[glimpse] as FramePlan;
        kept[glimpse] = { ...frame, truth: { ...frame.truth, landmark: null } };
      }
    }
    start = index;
  }
  return kept;
}

function makeShake(seed: number, tract: string): (pose: Pose, timeS: number, amount: number) => Pose {
  const random = randomStream(seed, tract, 'shake');
  const [a, b, c] = [random() * 6.28, random() * 6.28, 2.2 + random()];
  return (pose, timeS, amount) => {
    const yaw = amount * 0.16 * Math.sin(2 * Math.PI * c * timeS + a);
    const pitch = amount * 0.12 * Math.sin(2 * Math.PI * c * 0.83 * timeS + b);
    return { position: pose.position, orientation: compose(pose.orientation, compose(turn([0, 1, 0], yaw), turn([1, 0, 0], pitch))) };
  };
}

function triple(v: readonly [number, number, number]): [number, number, number] {
  return [rounded(v[0]), rounded(v[1]), rounded(v[2])];
}

function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
