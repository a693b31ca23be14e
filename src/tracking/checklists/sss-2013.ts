import type { ChecklistData } from '../checklist.js';

const WALLS = {
  anterior: 'anterior wall',
  lesser: 'lesser curvature',
  posterior: 'posterior wall',
  greater: 'greater curvature',
} as const;

type Wall = keyof typeof WALLS;
const QUADRANTS: readonly Wall[] = ['anterior', 'lesser', 'posterior', 'greater'];
const WITHOUT_GREATER: readonly Wall[] = ['anterior', 'lesser', 'posterior'];

/** One station, every wall of which is a site of its own, served by the class of that wall and by nothing wider. */
function station(id: string, name: string, walls: readonly Wall[]): ChecklistData['sites'] {
  return walls.map((wall) => ({ id: `${id}-${wall}`, name: `${name}, ${WALLS[wall]}`, landmarks: [`${id}-${wall}`] }));
}

export const SSS_2013: ChecklistData = {
  id: 'sss-2013',
  name: 'Systematic screening protocol for the stomach (SSS), 22 sites',
  citation: 'Yao K. The endoscopic diagnosis of early gastric cancer. Ann Gastroenterol 2013;26:11–22',
  status: 'verified against public data sets labelled by the protocol; the full text was not at hand',
  tract: 'upper',
  sites: [
    ...station('antrum', 'Antrum', QUADRANTS),
    ...station('lower-body', 'Lower body', QUADRANTS),
    ...station('middle-upper-body', 'Middle–upper body', QUADRANTS),
    ...station('fundus-cardia-retroflex', 'Fundus and cardia in retroflexion', QUADRANTS),
    ...station('middle-upper-body-retroflex', 'Middle–upper body in retroflexion', WITHOUT_GREATER),
    ...station('incisura-retroflex', 'Incisura in retroflexion', WITHOUT_GREATER),
  ],
};
