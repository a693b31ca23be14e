import { SERIES_COLOURS } from './style.js';

/** Lines differ in their dashes too, for readers and printers without colour. */
const DASHES = ['', '7 3', '2 3', '10 3 2 3', '4 2', '1 2', '12 4', '6 2 1 2'];

export function seriesClass(at: number): string {
  return `s${at % SERIES_COLOURS}`;
}

export function seriesDash(at: number): string | undefined {
  return DASHES[at % DASHES.length] === '' ? undefined : DASHES[at % DASHES.length];
}

/** Dots too: beyond the colours that can be told apart, their shape differs. */
const SHAPES = ['M-4,0a4,4 0 1 0 8,0a4,4 0 1 0 -8,0', 'M-4,-4h8v8h-8z', 'M0,-5l5,9h-10z', 'M0,-5l5,5l-5,5l-5,-5z'];

/** Path of the dots of a series, around 0, 0. */
export function seriesShape(at: number): string | undefined {
  return SHAPES[Math.floor(at / SERIES_COLOURS) % SHAPES.length];
}

/** The names of the series of a chart; nothing for a single one. */
export function Legend({ names, shape }: { readonly names: readonly string[]; readonly shape: 'line' | 'box' | 'dot' }) {
  if (names.length < 2) return null;
  return (
    <ul class="legend">
      {names.map((name, at) => (
        <li class={seriesClass(at)}>
          <svg viewBox="0 0 26 12" aria-hidden="true">
            {shape === 'line' ? (
              <line x1="0" x2="26" y1="6" y2="6" stroke="var(--series)" stroke-width="2.5" stroke-dasharray={seriesDash(at)} />
            ) : shape === 'box' ? (
              <rect x="6" y="0" width="14" height="12" rx="2" fill="var(--series)" />
            ) : (
              <path d={seriesShape(at)} transform="translate(13 6)" fill="var(--series)" />
            )}
          </svg>
          {name}
        </li>
      ))}
    </ul>
  );
}
