import type { HelloMessage, QualityVerdict, SiteState } from '../../src/server/protocol.js';

/** What to do about frames that cannot be judged; empty for good ones. */
export const QUALITY_HINTS: Readonly<Record<QualityVerdict, string>> = {
  good: '',
  blurred: 'Blurred',
  dark: 'Too dark',
  'red-out': 'Red-out: pull back',
  glare: 'Glare',
  'out-of-body': 'Outside the body',
};

export const SITE_WORDS: Readonly<Record<SiteState, string>> = {
  unsupported: 'not in this gallery',
  unseen: 'not seen',
  seen: 'seen, no still yet',
  documented: 'documented',
};

/** A single bad frame is no news: the hint comes when most of the newest frames share one verdict. */
export function qualityHint(verdicts: readonly QualityVerdict[]): QualityVerdict {
  for (const verdict of new Set(verdicts)) {
    const share = verdicts.filter((one) => one === verdict).length;
    if (verdict !== 'good' && share >= 4) return verdict;
  }
  return 'good';
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** `8.4 s`, `1:07`, `2:03:15`. */
export function duration(ms: number): string {
  if (ms < 10_000) return `${(ms / 1000).toFixed(1)} s`;
  return clock(ms * 1000);
}

/** A presentation time as `m:ss` or `h:mm:ss`. */
export function clock(us: number): string {
  const s = Math.max(0, Math.floor(us / 1_000_000));
  const two = (value: number): string => String(value).padStart(2, '0');
  const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

/** `412 MB`, `1.3 GB`. */
export function bytes(count: number): string {
  return count < 1e9 ? `${Math.round(count / 1e6)} MB` : `${(count / 1e9).toFixed(1)} GB`;
}

export function oneDecimal(value: number): string {
  return value >= 100 ? String(Math.round(value)) : value.toFixed(1);
}

/** The name of a landmark: as the gallery has it, else its id in words. */
export function landmarkName(hello: HelloMessage | null, id: string): string {
  const name = hello?.gallery?.labels.find((label) => label.id === id)?.name;
  if (name !== undefined) return name;
  const words = id.replaceAll('-', ' ');
  return words.charAt(0).toUpperCase() + words.slice(1);
}
