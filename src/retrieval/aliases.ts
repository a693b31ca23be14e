import { CLASSES } from '../common/landmarks.js';

/**
 * Names that public data sets give to classes, as folders, in their tables and in their descriptions, and the canonical id of
 * each. Written as `normaliseLabel` leaves them. Names that are canonical ids already are not repeated.
 */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  // HyperKvasir (Borgli 2020; folders and table disagree) and Kvasir v2 (Pogorelov 2017).
  'z-line': ['normal-z-line', 'gastroesophageal-junction-normal-z-line', 'gej-normal-z-line', 'gastroesophageal-junction'],
  pylorus: ['normal-pylorus'],
  cecum: ['normal-cecum', 'caecum', 'normal-caecum'],
  'terminal-ileum': ['ileum', 'small-bowel-terminal-ileum'],
  'retroflex-stomach': ['stomach-retroflex'],
  'retroflex-rectum': ['rectum-retroflex'],
  polyps: ['polyp', 'colon-polyps'],
  esophagitis: ['oesophagitis', 'esophagitis-a', 'esophagitis-b-d', 'oesophagitis-a', 'oesophagitis-b-d'],
  barretts: ['barretts-esophagus', 'barretts-oesophagus', 'barretts-short-segment', 'short-segment-barretts'],
  hemorrhoids: ['hemorroids', 'haemorrhoids'],
  'ulcerative-colitis': ['0-1', '1', '1-2', '2', '2-3', '3'].flatMap((grade) => [
    `ulcerative-colitis-grade-${grade}`,
    `ulcerative-colitis-${grade}`,
  ]),
  // GastroVision (Jha 2023).
  esophagus: ['normal-esophagus', 'oesophagus', 'normal-oesophagus'],
  stomach: ['normal-stomach'],
  'colon-normal': ['normal-mucosa-and-vascular-pattern-in-the-large-bowel', 'normal-colon'],
  'ileocecal-valve': ['ileocaecal-valve'],
  'resected-margins': ['resection-margins'],
  'out-of-body': ['outside', 'outside-the-body'],
  // GastroHUN (Bravo 2025): wall and station of the systematic screening protocol.
  ...Object.fromEntries(
    (
      [
        ['antrum', 1, 'alpg'],
        ['lower-body', 2, 'alpg'],
        ['middle-upper-body', 3, 'alpg'],
        ['fundus-cardia-retroflex', 4, 'alpg'],
        ['middle-upper-body-retroflex', 5, 'alp'],
        ['incisura-retroflex', 6, 'alp'],
      ] as const
    ).flatMap(([station, number, walls]) =>
      walls
        .split('')
        .map((wall) => [`${station}-${{ a: 'anterior', l: 'lesser', p: 'posterior', g: 'greater' }[wall] ?? ''}`, [`${wall}${number}`]]),
    ),
  ),
};

const canonical = new Map<string, string>([
  ...CLASSES.map(({ id }) => [id, id] as const),
  ...Object.entries(ALIASES).flatMap(([id, names]) => names.map((name) => [name, id] as const)),
]);

/** `Barrett's_Esophagus ` → `barretts-esophagus`. */
export function normaliseLabel(name: string): string {
  return name
    .normalize('NFC')
    .trim()
    .toLowerCase()
    .replace(/['’]/g, '')
    .replace(/[\s_]+/g, '-');
}

/** The canonical id that a folder or table entry stands for, or null when the table does not know it. */
export function canonicalLabel(name: string): string | null {
  return canonical.get(normaliseLabel(name)) ?? null;
}

/** The ids that the table maps to, for tests. */
export const ALIASED_IDS: readonly string[] = Object.keys(ALIASES);
