export type Command = 'help' | 'full-screen' | 'overlay' | 'source' | 'checklist' | 'evidence';

export const SHORTCUTS: readonly { readonly key: string; readonly command: Command; readonly does: string }[] = [
  { key: 'F', command: 'full-screen', does: 'Full screen on and off' },
  { key: 'O', command: 'overlay', does: 'Marks on the picture on and off' },
  { key: 'E', command: 'evidence', does: 'Most similar exemplars on and off' },
  { key: 'S', command: 'source', does: 'Choose a source' },
  { key: 'C', command: 'checklist', does: 'Choose a checklist' },
  { key: '?', command: 'help', does: 'This page' },
];

/** The command that a key stands for, or null. */
export function commandOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey'>): Command | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  return SHORTCUTS.find(({ key }) => key === event.key.toUpperCase())?.command ?? null;
}

/** True where keys mean text, or belong to a dialog. */
export function takesKeys(target: EventTarget | null): boolean {
  return target instanceof Element && target.closest('input, textarea, select, dialog') !== null;
}
