import type { ComponentChildren, JSX } from 'preact';
import type { SiteState } from '../../../src/server/protocol.js';
import type { Level } from '../health.js';

/** Strokes on a field of 24 × 24, in the colour of the text. */
export function Icon(props: { children: ComponentChildren; class?: string }): JSX.Element {
  return (
    <svg
      class={props.class}
      viewBox="0 0 24 24"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
    >
      {props.children}
    </svg>
  );
}

/** Each state has a shape of its own, so that none is told by colour alone. */
export function SiteIcon({ state }: { state: SiteState }): JSX.Element {
  switch (state) {
    case 'documented':
      return (
        <Icon class="site-icon">
          <circle cx="12" cy="12" r="10" fill="currentColor" />
          <path d="m7.4 12.4 3.1 3.1 6.1-6.6" class="icon-knockout" stroke-width="2.4" />
        </Icon>
      );
    case 'seen':
      return (
        <Icon class="site-icon">
          <circle cx="12" cy="12" r="9" />
          <path d="M12 3a9 9 0 0 1 0 18z" fill="currentColor" stroke="none" />
        </Icon>
      );
    case 'unseen':
      return (
        <Icon class="site-icon">
          <circle cx="12" cy="12" r="9" />
        </Icon>
      );
    case 'unsupported':
      return (
        <Icon class="site-icon">
          <circle cx="12" cy="12" r="9" stroke-dasharray="2.2 3.4" />
          <path d="M8 12h8" />
        </Icon>
      );
  }
}

/** Hollow: ready; filled: a landmark is held; solid with a cross: fault; struck through: off; dashed: waiting or stale. */
export function LevelIcon({ level, overlay }: { level: Level; overlay: boolean }): JSX.Element {
  const shape = overlay ? level : 'off';
  switch (shape) {
    case 'ready':
      return (
        <Icon>
          <rect x="4" y="4" width="16" height="16" rx="3" />
        </Icon>
      );
    case 'active':
      return (
        <Icon>
          <rect x="4" y="4" width="16" height="16" rx="3" fill="currentColor" />
        </Icon>
      );
    case 'fault':
      return (
        <Icon>
          <rect x="3" y="3" width="18" height="18" rx="3" fill="currentColor" />
          <path class="icon-knockout" d="m8 8 8 8M16 8l-8 8" stroke-width="2.6" />
        </Icon>
      );
    case 'stale':
    case 'waiting':
      return (
        <Icon>
          <rect x="4" y="4" width="16" height="16" rx="3" stroke-dasharray="3.4 3" />
        </Icon>
      );
    case 'ended':
    case 'off':
      return (
        <Icon>
          <rect x="4" y="4" width="16" height="16" rx="3" />
          <path d="M3 21 21 3" />
        </Icon>
      );
  }
}

export function CornerMarks(): JSX.Element {
  const corner = (name: string): JSX.Element => (
    <svg
      class={`corner ${name}`}
      viewBox="0 0 32 32"
      fill="none"
      stroke="currentColor"
      stroke-width="2.5"
      stroke-linecap="round"
      aria-hidden="true"
    >
      <path d="M2 18V6a4 4 0 0 1 4-4h12" />
    </svg>
  );
  return (
    <div class="corners">
      {corner('top-left')}
      {corner('top-right')}
      {corner('bottom-left')}
      {corner('bottom-right')}
    </div>
  );
}

export function Wordmark(): JSX.Element {
  return (
    <span class="wordmark">
      <svg viewBox="0 0 32 32" fill="none" stroke="currentColor" stroke-width="2.6" stroke-linecap="round" aria-hidden="true">
        <path d="M4 10V6a2 2 0 0 1 2-2h4M22 4h4a2 2 0 0 1 2 2v4M28 22v4a2 2 0 0 1-2 2h-4M10 28H6a2 2 0 0 1-2-2v-4" />
        <circle class="wordmark-eye" cx="16" cy="16" r="6.2" />
        <circle class="wordmark-pupil" cx="16" cy="16" r="1.7" stroke="none" />
      </svg>
      Lumenmark
    </span>
  );
}

export function WarningIcon(): JSX.Element {
  return (
    <Icon class="warning-icon">
      <path d="M12 3.5 22 20.5H2z" />
      <path d="M12 10v4.5M12 17.6v.1" />
    </Icon>
  );
}
