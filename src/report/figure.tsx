import type { ComponentChildren } from 'preact';

/** A chart or picture with the sentence that says what is to be seen. */
export function Figure({ caption, children }: { readonly caption: ComponentChildren; readonly children: ComponentChildren }) {
  return (
    <figure>
      {children}
      <figcaption>{caption}</figcaption>
    </figure>
  );
}
