import type { ComponentChild } from 'preact';
import type { Tone } from './tone.js';

export interface SheetPicture {
  /** A data URI, see `dataUri`; null where there is no picture to show. */
  readonly src: string | null;
  /** What it is, for readers who cannot see it; stands first below it. */
  readonly title: string;
  /** Further lines below it. */
  readonly lines?: readonly ComponentChild[];
  /** Coloured edge, beside what the lines say. */
  readonly tone?: Exclude<Tone, 'dim'>;
}

/** Thumbnails side by side. @param props.sidePx Smallest width of a picture; default 150. */
export function ContactSheet({ pictures, sidePx = 150 }: { readonly pictures: readonly SheetPicture[]; readonly sidePx?: number }) {
  return (
    <ul class="sheet" style={`--side:${sidePx}px`}>
      {pictures.map(({ src, title, lines = [], tone }) => (
        <li>
          <figure data-tone={tone}>
            {src === null ? <div class="none" role="img" aria-label={`${title} (no picture)`} /> : <img src={src} alt={title} />}
            <figcaption>
              {title}
              {lines.map((line) => (
                <span>{line}</span>
              ))}
            </figcaption>
          </figure>
        </li>
      ))}
    </ul>
  );
}
