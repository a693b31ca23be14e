export type ReplayCommand =
  | 'play'
  | 'next'
  | 'previous'
  | 'forward'
  | 'back'
  | 'frame-forward'
  | 'frame-back'
  | 'faster'
  | 'slower'
  | 'start'
  | 'end'
  | 'overlay'
  | 'evidence'
  | 'delay'
  | 'help';

export const REPLAY_KEYS: readonly {
  readonly keys: readonly string[];
  readonly shown: string;
  readonly command: ReplayCommand;
  readonly does: string;
}[] = [
  { keys: [' ', 'k'], shown: 'Space', command: 'play', does: 'Play and pause' },
  { keys: ['ArrowRight'], shown: '→', command: 'next', does: 'Next sighting or mark' },
  { keys: ['ArrowLeft'], shown: '←', command: 'previous', does: 'Sighting or mark before' },
  { keys: ['l', 'Shift+ArrowRight'], shown: 'L', command: 'forward', does: 'Five seconds on' },
  { keys: ['j', 'Shift+ArrowLeft'], shown: 'J', command: 'back', does: 'Five seconds back' },
  { keys: ['.'], shown: '.', command: 'frame-forward', does: 'One frame on' },
  { keys: [','], shown: ',', command: 'frame-back', does: 'One frame back' },
  { keys: ['+', ']'], shown: '+', command: 'faster', does: 'Faster' },
  { keys: ['-', '['], shown: '−', command: 'slower', does: 'Slower' },
  { keys: ['Home'], shown: 'Home', command: 'start', does: 'To the beginning' },
  { keys: ['End'], shown: 'End', command: 'end', does: 'To the end' },
  { keys: ['o'], shown: 'O', command: 'overlay', does: 'Marks on the picture on and off' },
  { keys: ['e'], shown: 'E', command: 'evidence', does: 'Most similar exemplars on and off' },
  { keys: ['d'], shown: 'D', command: 'delay', does: 'Annotations as late as they were then, or with their own frames' },
  { keys: ['?'], shown: '?', command: 'help', does: 'This page' },
];

export const SPEEDS = [0.25, 0.5, 1, 1.5, 2, 4, 8] as const;

/** The next speed in a direction; the same at either end. */
export function speedBeside(speed: number, step: 1 | -1): number {
  const at = SPEEDS.findIndex((one) => one >= speed);
  return SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, (at < 0 ? SPEEDS.length - 1 : at) + step))] ?? 1;
}

export function replayCommandOf(event: Pick<KeyboardEvent, 'key' | 'shiftKey' | 'ctrlKey' | 'metaKey' | 'altKey'>): ReplayCommand | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.shiftKey ? `Shift+${event.key}` : event.key;
  return REPLAY_KEYS.find(({ keys }) => keys.includes(key))?.command ?? null;
}
