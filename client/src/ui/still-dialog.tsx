import type { JSX } from 'preact';
import { Dialog } from './dialog.js';

export interface OpenStill {
  readonly src: string;
  readonly title: string;
  readonly detail: string;
}

/** The best still of a site, large. */
export function StillDialog({ still, onClose }: { still: OpenStill; onClose: () => void }): JSX.Element {
  return (
    <Dialog title={still.title} name="still" onClose={onClose}>
      <img class="still-large" src={still.src} alt={`Best still of ${still.title}`} />
      <p class="still-facts">{still.detail}</p>
    </Dialog>
  );
}
