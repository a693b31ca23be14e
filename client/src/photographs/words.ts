import type { AuditedPhotograph, PhotographsAnswer } from '../../../src/server/photograph-protocol.js';
import type { SiteState } from '../../../src/server/protocol.js';

export const STATE_WORDS: Readonly<Record<SiteState, string>> = {
  documented: 'documented',
  seen: 'to be checked',
  unseen: 'missing',
  unsupported: 'not in this gallery',
};

const VERDICTS: Readonly<Record<AuditedPhotograph['verdict'], string>> = {
  good: 'good',
  blurred: 'blurred',
  dark: 'too dark',
  'red-out': 'red-out',
  glare: 'glare',
  'out-of-body': 'outside the body',
};

const DOUBTS: Readonly<Record<AuditedPhotograph['doubts'][number], string>> = {
  contested: 'other classes come close',
  soft: 'too soft to document a site',
  imprecise: 'the gallery errs on such pictures more often than not',
  uncalibrated: 'the gallery is too small to tell known from unknown',
};

export type Names = PhotographsAnswer['names'];

export function nameOf(names: Names, label: string | null): string {
  return label === null ? 'no landmark' : (names[label] ?? label);
}

export function percent(share: number): string {
  return `${Math.round(share * 100)} %`;
}

/** What the machine made of it, in a line. */
export function machineWords({ outcome, landmark, score, verdict, shows, doubts }: AuditedPhotograph, names: Names): string {
  switch (outcome) {
    case 'assigned':
      return `${nameOf(names, landmark)}, ${percent(score)} of the vote`;
    case 'doubtful':
      return `${nameOf(names, landmark)}, ${percent(score)} of the vote; ${doubts.map((doubt) => DOUBTS[doubt]).join(', ')}`;
    case 'unknown':
      return landmark === null ? 'unlike anything in the gallery' : `unlike the gallery; the nearest is ${nameOf(names, landmark)}`;
    case 'other':
      return `no landmark; resembles ${nameOf(names, shows)}`;
    case 'unusable':
      return `unusable: ${VERDICTS[verdict]}`;
  }
}

/** What counts, as a title. */
export function verdictWords(photograph: AuditedPhotograph, names: Names): string {
  const { correction, counts, outcome, landmark, repeats, verdict } = photograph;
  if (correction !== null) return counts === null ? 'No landmark' : nameOf(names, counts);
  if (repeats !== null) return 'Near-duplicate';
  switch (outcome) {
    case 'assigned':
      return nameOf(names, landmark);
    case 'doubtful':
      return `${nameOf(names, landmark)}?`;
    case 'unknown':
      return 'Unknown';
    case 'other':
      return 'No landmark';
    case 'unusable':
      return capitalised(VERDICTS[verdict]);
  }
}

function capitalised(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** `2026-11-27 02:14` */
export function timeText(iso: string): string {
  return iso.slice(0, 16).replace('T', ' ');
}
