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
  /** What `KeyboardEvent.key` says. */
  readonly pressed: readonly string[];
  /** What the key is called on the page. */
  readonly key: string;
  readonly command: ReplayCommand;
  readonly does: string;
}[] = [
  { pressed: [' ', 'k'], key: 'Space', command: 'play', does: 'Play and pause' },
  { pressed: ['ArrowRight'], key: '→', command: 'next', does: 'Next sighting or mark' },
  { pressed: ['ArrowLeft'], key: '←', command: 'previous', does: 'Sighting or mark before' },
  { pressed: ['l', 'Shift+ArrowRight'], key: 'L', command: 'forward', does: 'Five seconds on' },
  { pressed: ['j', 'Shift+ArrowLeft'], key: 'J', command: 'back', does: 'Five seconds back' },
  { pressed: ['.'], key: '.', command: 'frame-forward', does: 'One frame on' },
  { pressed: [','], key: ',', command: 'frame-back', does: 'One frame back' },
  { pressed: ['+', ']'], key: '+', command: 'faster', does: 'Faster' },
  { pressed: ['-', '['], key: '−', command: 'slower', does: 'Slower' },
  { pressed: ['Home'], key: 'Home', command: 'start', does: 'To the beginning' },
  { pressed: ['End'], key: 'End', command: 'end', does: 'To the end' },
  { pressed: ['o'], key: 'O', command: 'overlay', does: 'Marks on the picture on and off' },
  { pressed: ['e'], key: 'E', command: 'evidence', does: 'Most similar exemplars on and off' },
  { pressed: ['d'], key: 'D', command: 'delay', does: 'Annotations as late as they were then, or with their own frames' },
  { pressed: ['?'], key: '?', command: 'help', does: 'This page' },
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
  return REPLAY_KEYS.find(({ pressed }) => pressed.includes(key))?.command ?? null;
}
