import type { JSX } from 'preact';
import { Icon } from '../ui/icons.js';
import { clock } from '../words.js';
import { SPEEDS, type ReplayCommand } from './replay-keys.js';

interface TransportProps {
  readonly ptsUs: number;
  readonly startPtsUs: number;
  readonly endPtsUs: number;
  readonly playing: boolean;
  readonly speed: number;
  /** Null where annotations never came late. */
  readonly delayed: boolean | null;
  readonly run: (command: ReplayCommand) => void;
  readonly onSpeed: (speed: number) => void;
}

const PATHS = {
  previous: 'M19 5v14l-9-7zM6 5v14',
  'frame-back': 'M17 6l-7 6 7 6M8 6v12',
  play: 'M7 4.5v15l12-7.5z',
  pause: 'M8 5v14M16 5v14',
  'frame-forward': 'M7 6l7 6-7 6M16 6v12',
  next: 'M5 5v14l9-7zM18 5v14',
} as const;

export function Transport({ ptsUs, startPtsUs, endPtsUs, playing, speed, delayed, run, onSpeed }: TransportProps): JSX.Element {
  const button = (command: ReplayCommand, icon: keyof typeof PATHS, label: string, keys: string): JSX.Element => (
    <button
      type="button"
      class={command === 'play' ? 'transport-play' : ''}
      aria-label={label}
      title={`${label} (${keys})`}
      onClick={() => {
        run(command);
      }}
    >
      <Icon>
        <path d={PATHS[icon]} fill={icon === 'play' || icon === 'next' || icon === 'previous' ? 'currentColor' : 'none'} />
      </Icon>
    </button>
  );
  return (
    <div class="transport">
      <div class="transport-buttons">
        {button('previous', 'previous', 'Sighting or mark before', '←')}
        {button('frame-back', 'frame-back', 'One frame back', ',')}
        {button('play', playing ? 'pause' : 'play', playing ? 'Pause' : 'Play', 'space')}
        {button('frame-forward', 'frame-forward', 'One frame on', '.')}
        {button('next', 'next', 'Next sighting or mark', '→')}
      </div>
      <p class="transport-time">
        <b>{exact(ptsUs - startPtsUs)}</b> of {clock(endPtsUs - startPtsUs)}
      </p>
      <label class="transport-speed">
        <span class="visually-hidden">Speed</span>
        <select
          value={String(speed)}
          onChange={({ currentTarget }) => {
            onSpeed(Number(currentTarget.value));
            currentTarget.blur();
          }}
        >
          {SPEEDS.map((one) => (
            <option key={one} value={String(one)}>
              {one}×
            </option>
          ))}
        </select>
      </label>
      {delayed === null ? null : (
        <button
          type="button"
          class="quiet transport-delay"
          aria-pressed={delayed}
          title="Annotations as late as they were on the screen then, or each with its own frame (D)"
          onClick={() => {
            run('delay');
          }}
        >
          {delayed ? 'As shown then' : 'With own frames'}
        </button>
      )}
    </div>
  );
}

/** `1:07.40` */
function exact(us: number): string {
  return `${clock(us)}.${String(Math.floor((us % 1_000_000) / 10_000)).padStart(2, '0')}`;
}
