import type { ComponentChildren } from 'preact';
import type { Tone } from './tone.js';

export interface NoticeProps {
  /** Default: information. */
  readonly tone?: Exclude<Tone, 'dim'>;
  readonly heading?: string;
  readonly children: ComponentChildren;
}

/** Something that a reader must not overlook. */
export function Notice({ tone, heading, children }: NoticeProps) {
  return (
    <aside class="notice" role="note" data-tone={tone}>
      {heading === undefined ? null : <strong class="heading">{heading}</strong>}
      {typeof children === 'string' ? <p>{children}</p> : children}
    </aside>
  );
}
