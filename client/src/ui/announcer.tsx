import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Health } from '../health.js';
import { useSelected, type Store } from '../store.js';
import { landmarkName } from '../words.js';

/** A landmark must be held this long before it is read aloud. */
const SETTLE_MS = 600;

/** Says to screen readers what the picture shows: landmarks, documented sites, trouble. */
export function Announcer({ store, health }: { store: Store; health: Health }): JSX.Element {
  const landmark = useSelected(store, (state) => state.tracking?.landmark ?? null);
  const documented = useSelected(store, (state) => state.notices.findLast(({ kind }) => kind === 'documented') ?? null);
  const [text, setText] = useState('');
  useEffect(() => {
    if (landmark === null) return;
    const timer = window.setTimeout(() => {
      setText(landmarkName(store.get().hello, landmark));
    }, SETTLE_MS);
    return () => {
      window.clearTimeout(timer);
    };
  }, [landmark]);
  useEffect(() => {
    if (documented !== null) setText(`${documented.text} documented`);
  }, [documented?.id]);
  useEffect(() => {
    if (health.level === 'stale' || health.level === 'ended') setText(health.text);
  }, [health.level]);
  return (
    <div class="visually-hidden" aria-live="polite" data-testid="announcer">
      {text}
    </div>
  );
}
