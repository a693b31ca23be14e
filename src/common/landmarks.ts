/**
 * Canonical ids of the classes that galleries and checklists speak of. Only `kind: 'landmark'` names an anatomical place;
 * the other kinds are classes of public data sets that a gallery may hold beside them.
 */
export type ClassKind = 'landmark' | 'quality' | 'finding' | 'intervention';
export type Tract = 'upper' | 'lower';

export interface ClassInfo {
  readonly id: string;
  readonly name: string;
  readonly kind: ClassKind;
  /** Absent where the class occurs in both. */
  readonly tract?: Tract;
}

const WALLS = [
  ['anterior', 'anterior wall'],
  ['lesser', 'lesser curvature'],
  ['posterior', 'posterior wall'],
  ['greater', 'greater curvature'],
] as const;

/** The 22 stations of the systematic screening protocol (Yao 2013), with the codes A/L/P/G 1–6 of GastroHUN in this order. */
const STATIONS = [
  ['antrum', 'Antrum', 4],
  ['lower-body', 'Lower body', 4],
  ['middle-upper-body', 'Middle–upper body', 4],
  ['fundus-cardia-retroflex', 'Fundus and cardia in retroflexion', 4],
  ['middle-upper-body-retroflex', 'Middle–upper body in retroflexion', 3],
  ['incisura-retroflex', 'Incisura in retroflexion', 3],
] as const;

const stationClasses: ClassInfo[] = STATIONS.flatMap(([id, name, walls]) =>
  WALLS.slice(0, walls).map(([wall, wallName]) => ({ id: `${id}-${wall}`, name: `${name}, ${wallName}`, kind: 'landmark', tract: 'upper' })),
);

export const CLASSES: readonly ClassInfo[] = [
  { id: 'esophagus', name: 'Oesophagus', kind: 'landmark', tract: 'upper' },
  { id: 'proximal-esophagus', name: 'Proximal oesophagus', kind: 'landmark', tract: 'upper' },
  { id: 'distal-esophagus', name: 'Distal oesophagus', kind: 'landmark', tract: 'upper' },
  { id: 'z-line', name: 'Z-line', kind: 'landmark', tract: 'upper' },
  { id: 'retroflex-stomach', name: 'Stomach in retroflexion', kind: 'landmark', tract: 'upper' },
  { id: 'cardia-retroflex', name: 'Cardia and fundus in retroflexion', kind: 'landmark', tract: 'upper' },
  { id: 'fundus', name: 'Fundus', kind: 'landmark', tract: 'upper' },
  { id: 'stomach', name: 'Stomach', kind: 'landmark', tract: 'upper' },
  { id: 'stomach-body', name: 'Gastric body', kind: 'landmark', tract: 'upper' },
  { id: 'body-retroflex', name: 'Gastric body in retroflexion', kind: 'landmark', tract: 'upper' },
  { id: 'angulus', name: 'Angulus', kind: 'landmark', tract: 'upper' },
  { id: 'antrum', name: 'Antrum', kind: 'landmark', tract: 'upper' },
  { id: 'pylorus', name: 'Pylorus', kind: 'landmark', tract: 'upper' },
  { id: 'duodenal-bulb', name: 'Duodenal bulb', kind: 'landmark', tract: 'upper' },
  { id: 'duodenum', name: 'Second part of the duodenum', kind: 'landmark', tract: 'upper' },
  ...stationClasses,
  { id: 'rectum', name: 'Rectum', kind: 'landmark', tract: 'lower' },
  { id: 'retroflex-rectum', name: 'Rectum in retroflexion', kind: 'landmark', tract: 'lower' },
  { id: 'sigmoid', name: 'Sigmoid', kind: 'landmark', tract: 'lower' },
  { id: 'descending-colon', name: 'Descending colon', kind: 'landmark', tract: 'lower' },
  { id: 'splenic-flexure', name: 'Splenic flexure', kind: 'landmark', tract: 'lower' },
  { id: 'transverse-colon', name: 'Transverse colon', kind: 'landmark', tract: 'lower' },
  { id: 'hepatic-flexure', name: 'Hepatic flexure', kind: 'landmark', tract: 'lower' },
  { id: 'ascending-colon', name: 'Ascending colon', kind: 'landmark', tract: 'lower' },
  { id: 'colon-normal', name: 'Normal colon', kind: 'landmark', tract: 'lower' },
  { id: 'ileocecal-valve', name: 'Ileocaecal valve', kind: 'landmark', tract: 'lower' },
  { id: 'appendiceal-orifice', name: 'Appendiceal orifice', kind: 'landmark', tract: 'lower' },
  { id: 'cecum', name: 'Caecum', kind: 'landmark', tract: 'lower' },
  { id: 'terminal-ileum', name: 'Terminal ileum', kind: 'landmark', tract: 'lower' },
  { id: 'bbps-0-1', name: 'Bowel preparation poor (BBPS 0–1)', kind: 'quality', tract: 'lower' },
  { id: 'bbps-2-3', name: 'Bowel preparation good (BBPS 2–3)', kind: 'quality', tract: 'lower' },
  { id: 'impacted-stool', name: 'Impacted stool', kind: 'quality', tract: 'lower' },
  { id: 'out-of-body', name: 'Outside the body', kind: 'quality' },
  { id: 'polyps', name: 'Polyps', kind: 'finding' },
  { id: 'esophagitis', name: 'Oesophagitis', kind: 'finding', tract: 'upper' },
  { id: 'barretts', name: 'Barrett’s oesophagus', kind: 'finding', tract: 'upper' },
  { id: 'ulcerative-colitis', name: 'Ulcerative colitis', kind: 'finding', tract: 'lower' },
  { id: 'hemorrhoids', name: 'Haemorrhoids', kind: 'finding', tract: 'lower' },
  { id: 'dyed-lifted-polyps', name: 'Dyed lifted polyps', kind: 'intervention' },
  { id: 'dyed-resection-margins', name: 'Dyed resection margins', kind: 'intervention' },
  { id: 'accessory-tools', name: 'Accessory tools', kind: 'intervention' },
];

const byId = new Map(CLASSES.map((entry) => [entry.id, entry]));

/** Facts of a class; a label that the table does not know counts as a landmark under its own name. */
export function classInfo(id: string): ClassInfo {
  return byId.get(id) ?? { id, name: id, kind: 'landmark' };
}
