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
  /**
   * The wider class that this one is a part of: every picture of an antrum is also one of a stomach. Public data sets mix both
   * grains, so a vote for the wider class must not count against the narrower one.
   */
  readonly within?: string;
}

const WALLS = [
  ['anterior', 'anterior wall'],
  ['lesser', 'lesser curvature'],
  ['posterior', 'posterior wall'],
  ['greater', 'greater curvature'],
] as const;

/** The 22 stations of the systematic screening protocol (Yao 2013), with the codes A/L/P/G 1–6 of GastroHUN in this order. */
const STATIONS = [
  ['antrum', 'Antrum', 4, 'antrum'],
  ['lower-body', 'Lower body', 4, 'stomach-body'],
  ['middle-upper-body', 'Middle–upper body', 4, 'stomach-body'],
  ['fundus-cardia-retroflex', 'Fundus and cardia in retroflexion', 4, 'cardia-retroflex'],
  ['middle-upper-body-retroflex', 'Middle–upper body in retroflexion', 3, 'body-retroflex'],
  ['incisura-retroflex', 'Incisura in retroflexion', 3, 'angulus'],
] as const;

const stationClasses: ClassInfo[] = STATIONS.flatMap(([id, name, walls, within]) =>
  WALLS.slice(0, walls).map(([wall, wallName]) => ({
    id: `${id}-${wall}`,
    name: `${name}, ${wallName}`,
    kind: 'landmark',
    tract: 'upper',
    within,
  })),
);

export const CLASSES: readonly ClassInfo[] = [
  { id: 'esophagus', name: 'Oesophagus', kind: 'landmark', tract: 'upper' },
  { id: 'proximal-esophagus', name: 'Proximal oesophagus', kind: 'landmark', tract: 'upper', within: 'esophagus' },
  { id: 'distal-esophagus', name: 'Distal oesophagus', kind: 'landmark', tract: 'upper', within: 'esophagus' },
  { id: 'z-line', name: 'Z-line', kind: 'landmark', tract: 'upper' },
  { id: 'retroflex-stomach', name: 'Stomach in retroflexion', kind: 'landmark', tract: 'upper', within: 'stomach' },
  { id: 'cardia-retroflex', name: 'Cardia and fundus in retroflexion', kind: 'landmark', tract: 'upper', within: 'retroflex-stomach' },
  { id: 'fundus', name: 'Fundus', kind: 'landmark', tract: 'upper', within: 'stomach' },
  { id: 'stomach', name: 'Stomach', kind: 'landmark', tract: 'upper' },
  { id: 'stomach-body', name: 'Gastric body', kind: 'landmark', tract: 'upper', within: 'stomach' },
  { id: 'body-retroflex', name: 'Gastric body in retroflexion', kind: 'landmark', tract: 'upper', within: 'retroflex-stomach' },
  { id: 'angulus', name: 'Angulus', kind: 'landmark', tract: 'upper', within: 'stomach' },
  { id: 'antrum', name: 'Antrum', kind: 'landmark', tract: 'upper', within: 'stomach' },
  { id: 'pylorus', name: 'Pylorus', kind: 'landmark', tract: 'upper', within: 'stomach' },
  { id: 'duodenal-bulb', name: 'Duodenal bulb', kind: 'landmark', tract: 'upper' },
  { id: 'duodenum', name: 'Second part of the duodenum', kind: 'landmark', tract: 'upper' },
  ...stationClasses,
  { id: 'rectum', name: 'Rectum', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
  { id: 'retroflex-rectum', name: 'Rectum in retroflexion', kind: 'landmark', tract: 'lower', within: 'rectum' },
  { id: 'sigmoid', name: 'Sigmoid', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
  { id: 'descending-colon', name: 'Descending colon', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
  { id: 'splenic-flexure', name: 'Splenic flexure', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
  { id: 'transverse-colon', name: 'Transverse colon', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
  { id: 'hepatic-flexure', name: 'Hepatic flexure', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
  { id: 'ascending-colon', name: 'Ascending colon', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
  { id: 'colon-normal', name: 'Normal colon', kind: 'landmark', tract: 'lower' },
  { id: 'ileocecal-valve', name: 'Ileocaecal valve', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
  { id: 'appendiceal-orifice', name: 'Appendiceal orifice', kind: 'landmark', tract: 'lower', within: 'cecum' },
  { id: 'cecum', name: 'Caecum', kind: 'landmark', tract: 'lower', within: 'colon-normal' },
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
  { id: 'gastric-polyps', name: 'Gastric polyps', kind: 'finding', tract: 'upper' },
  { id: 'esophageal-varices', name: 'Oesophageal varices', kind: 'finding', tract: 'upper' },
  { id: 'ulcer', name: 'Ulcer', kind: 'finding' },
  { id: 'erythema', name: 'Erythema', kind: 'finding' },
  { id: 'angiectasia', name: 'Angiectasia', kind: 'finding' },
  { id: 'blood-in-lumen', name: 'Blood in the lumen', kind: 'finding' },
  { id: 'colon-diverticula', name: 'Colonic diverticula', kind: 'finding', tract: 'lower' },
  { id: 'colorectal-cancer', name: 'Colorectal cancer', kind: 'finding', tract: 'lower' },
  { id: 'mucosal-inflammation-large-bowel', name: 'Inflamed mucosa of the large bowel', kind: 'finding', tract: 'lower' },
  { id: 'resected-polyps', name: 'Resected polyps', kind: 'intervention' },
  { id: 'resected-margins', name: 'Resection margins', kind: 'intervention' },
  { id: 'dyed-lifted-polyps', name: 'Dyed lifted polyps', kind: 'intervention' },
  { id: 'dyed-resection-margins', name: 'Dyed resection margins', kind: 'intervention' },
  { id: 'accessory-tools', name: 'Accessory tools', kind: 'intervention' },
];

const byId = new Map(CLASSES.map((entry) => [entry.id, entry]));

/** Facts of a class; a label that the table does not know counts as a landmark under its own name. */
export function classInfo(id: string): ClassInfo {
  return byId.get(id) ?? { id, name: id, kind: 'landmark' };
}

/** The wider classes that `id` is a part of, nearest first; without itself. */
export function classesAround(id: string): readonly string[] {
  const around: string[] = [];
  for (let wider = classInfo(id).within; wider !== undefined; wider = classInfo(wider).within) around.push(wider);
  return around;
}
