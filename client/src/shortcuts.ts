export type Command = 'help' | 'full-screen' | 'overlay' | 'source' | 'checklist' | 'evidence' | 'record' | 'capture' | 'pause' | 'note';

export const SHORTCUTS: readonly { readonly key: string; readonly command: Command; readonly does: string }[] = [
  { key: 'R', command: 'record', does: 'Begin to record; end' },
  { key: 'Space', command: 'capture', does: 'Keep this frame in full size (or a foot pedal that sends a space)' },
  { key: 'I', command: 'pause', does: 'An intervention begins, ends: the withdrawal time stands still' },
  { key: 'N', command: 'note', does: 'Note' },
  { key: 'F', command: 'full-screen', does: 'Full screen on and off' },
  { key: 'O', command: 'overlay', does: 'Marks on the picture on and off' },
  { key: 'E', command: 'evidence', does: 'Most similar exemplars on and off' },
  { key: 'S', command: 'source', does: 'Choose a source' },
  { key: 'C', command: 'checklist', does: 'Choose a checklist' },
  { key: '?', command: 'help', does: 'This page' },
];

/** The command that a key stands for, or null. */
export function commandOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'repeat'>): Command | null {
  if (event.ctrlKey || event.metaKey || event.altKey || event.repeat) return null;
  const pressed = event.key === ' ' ? 'Space' : event.key.toUpperCase();
  return SHORTCUTS.find(({ key }) => key === pressed)?.command ?? null;
}

/** True where keys mean text, belong to a dialog, or press the button that was reached by key. */
export function takesKeys(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, dialog, button:focus-visible') !== null;
}
