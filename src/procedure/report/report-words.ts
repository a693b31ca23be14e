import type { CoverageState } from '../../tracking/coverage.js';
import type { QualityVerdict } from '../../tracking/detection.js';
import type { Tone } from '../../report/tone.js';
import type { Doubt } from '../photographs/assign.js';
import type { ProcedureReport, ReportPhotograph, ReportSite } from './report.js';

export const STATE_TONES: Readonly<Record<CoverageState, Tone>> = {
  documented: 'good',
  seen: 'warning',
  unseen: 'danger',
  unsupported: 'dim',
};

/** What the state of a site means, in the words of its kind of procedure. */
export function stateWords(state: CoverageState, kind: ProcedureReport['kind']): string {
  switch (state) {
    case 'documented':
      return 'Documented';
    case 'seen':
      return kind === 'photographs' ? 'To be checked' : 'Seen, no adequate still';
    case 'unseen':
      return kind === 'photographs' ? 'Missing' : 'Not seen';
    case 'unsupported':
      return 'Not in this gallery';
  }
}

export const KIND_WORDS: Readonly<Record<ProcedureReport['kind'], string>> = {
  recorded: 'Recorded procedure',
  imported: 'Audit of a video',
  photographs: 'Audit of photographs',
};

export const VERDICT_WORDS: Readonly<Record<QualityVerdict, string>> = {
  good: 'good',
  blurred: 'blurred',
  dark: 'too dark',
  'red-out': 'red-out',
  glare: 'glare',
  'out-of-body': 'outside the body',
};

export const DOUBT_WORDS: Readonly<Record<Doubt, string>> = {
  contested: 'other classes come close',
  soft: 'too soft to document a site',
  imprecise: 'the gallery errs on such pictures more often than not',
  uncalibrated: 'the gallery is too small to tell known from unknown',
};

/** `Antrum, Angulus` */
export function namesOf(sites: readonly Pick<ReportSite, 'name'>[]): string {
  return sites.map(({ name }) => name).join(', ');
}

/** `2026-11-27 02:14:55 UTC` */
export function timeText(iso: string): string {
  return `${iso.slice(0, 19).replace('T', ' ')} UTC`;
}

/** File, and which picture of it. */
export function photographName({ path, frame }: Pick<ReportPhotograph, 'path' | 'frame'>): string {
  return frame === null ? path : `${path}, picture ${frame + 1}`;
}
