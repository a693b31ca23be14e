export interface ProgressState {
  /** What is being done, one or two words. */
  readonly label: string;
  readonly done: number;
  readonly total: number;
  /** Stands behind the rest: a measure that changes on the way. */
  readonly note?: string;
}

export interface ProgressBar {
  update(state: ProgressState): void;
  /** Removes the bar, so that what is printed next stands on a clean line. */
  end(): void;
}

/** The part of a terminal stream that a bar needs. */
export interface ProgressStream {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const REDRAW_MS = 100;
/** A rate over less time than this is guesswork. */
const ETA_AFTER_MS = 1000;
const BAR_WIDTH = 24;

/** A progress bar with the time that is left, on a terminal; silent anywhere else, where it would fill a log. */
export function progressBar(stream: ProgressStream = process.stderr, now: () => number = () => performance.now()): ProgressBar {
  if (stream.isTTY !== true) return { update: () => undefined, end: () => undefined };
  let label = '';
  let stageBegan = 0;
  let drawnAt = -Infinity;
  let drawn = false;

  return {
    update(state) {
      const time = now();
      if (state.label !== label) {
        label = state.label;
        stageBegan = time;
        drawnAt = -Infinity;
      }
      if (time - drawnAt < REDRAW_MS && state.done < state.total) return;
      drawnAt = time;
      drawn = true;
      const line = progressLine(state, time - stageBegan);
      stream.write(`\r\u001b[2K${line.slice(0, Math.max(10, (stream.columns ?? 80) - 1))}`);
    },
    end() {
      if (drawn) stream.write('\r\u001b[2K');
      drawn = false;
    },
  };
}

/** `embedding  ████████░░░░  120/482  25 %  0:14 left` */
export function progressLine({ label, done, total, note }: ProgressState, elapsedMs: number): string {
  const share = total === 0 ? 1 : Math.min(1, done / total);
  const filled = Math.round(share * BAR_WIDTH);
  const bar = '█'.repeat(filled) + '░'.repeat(BAR_WIDTH - filled);
  const left = share > 0 && share < 1 && elapsedMs >= ETA_AFTER_MS ? `  ${duration((elapsedMs * (1 - share)) / share)} left` : '';
  return `${label.padEnd(12)} ${bar}  ${done}/${total}  ${Math.floor(share * 100)} %${left}${note === undefined ? '' : `  ${note}`}`;
}

/** `0:07`, `12:30`, `1:02:03` */
export function duration(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (value: number): string => String(value).padStart(2, '0');
  return hours > 0 ? `${hours}:${two(minutes)}:${two(seconds % 60)}` : `${minutes}:${two(seconds % 60)}`;
}
