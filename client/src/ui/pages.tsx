import type { JSX } from 'preact';
import { useEffect } from 'preact/hooks';
import { takesKeys } from '../shortcuts.js';

const PAGES = [
  { id: 'overlay', name: 'Overlay', href: './', key: '1' },
  { id: 'procedures', name: 'Procedures', href: './procedures', key: '2' },
  { id: 'search', name: 'Search', href: './search', key: '3' },
] as const;

export type PageId = (typeof PAGES)[number]['id'];

/** The way from page to page; the keys 1, 2, 3 go there from any of them. */
export function Pages({ current }: { current: PageId | null }): JSX.Element {
  useEffect(() => {
    const onKey = (event: KeyboardEvent): void => {
      if (event.ctrlKey || event.metaKey || event.altKey || takesKeys(event.target)) return;
      const page = PAGES.find(({ key }) => key === event.key);
      if (page !== undefined && page.id !== current) location.assign(page.href);
    };
    window.addEventListener('keydown', onKey);
    return () => {
      window.removeEventListener('keydown', onKey);
    };
  }, [current]);
  return (
    <nav class="pages" aria-label="Pages">
      {PAGES.map(({ id, name, href, key }) => (
        <a key={id} href={href} aria-current={id === current ? 'page' : undefined} title={`Key ${key}`}>
          {name}
        </a>
      ))}
    </nav>
  );
}
