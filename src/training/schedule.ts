export const SCHEDULES = ['cosine', 'constant'] as const;
export type Schedule = (typeof SCHEDULES)[number];

export interface ScheduleOptions {
  readonly schedule: Schedule;
  /** Length of the run, over which the cosine falls to 0. */
  readonly epochs: number;
  /** Epochs in which the rate rises evenly from 0, step by step; default 0. */
  readonly warmupEpochs?: number;
}

/**
 * Factor of the learning rates. The cosine changes from epoch to epoch, as the authors' CosineAnnealingLR with T_max = epochs does; after a
 * warm-up it spans what is left. Source: Loshchilov and Hutter 2017.
 * @param epoch From 0.
 * @param share Of the epoch that is done, 0…1; counts in the warm-up alone.
 */
export function rateFactor({ schedule, epochs, warmupEpochs = 0 }: ScheduleOptions, epoch: number, share: number): number {
  if (epoch < warmupEpochs) return Math.min(1, (epoch + share) / warmupEpochs);
  if (schedule === 'constant') return 1;
  return (1 + Math.cos((Math.PI * (epoch - warmupEpochs)) / Math.max(1, epochs - warmupEpochs))) / 2;
}
