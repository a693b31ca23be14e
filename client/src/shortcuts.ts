export type Command = 'help' | 'full-screen' | 'overlay' | 'source' | 'checklist' | 'evidence';

export const SHORTCUTS: readonly { readonly key: string; readonly command: Command; readonly does: string }[] = [
  { key: 'F', command: 'full-screen', does: 'Full screen on and off' },
  { key: 'O', command: 'overlay', does: 'Marks on the picture on and off' },
  { key: 'E', command: 'evidence', does: 'Most similar exemplars on and off' },
  { key: 'S', command: 'source', does: 'Choose a source' },
  { key: 'C', command: 'checklist', does: 'Choose a checklist' },
  { key: '?', command: 'help', does: 'This page' },
];

/** The command that a key stands for; null while someone is typing. */
export function commandOf(event: Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'target'>): Command | null {
  if (event.ctrlKey || event.metaKey || event.altKey) return null;
  if (event.target instanceof Element && event.target.closest('input, textarea, select, dialog') !== null) return null;
  return SHORTCUTS.find(({ key }) => key === event.key.toUpperCase())?.command ?? null;
}
