import type { ChecklistData } from '../checklist.js';

/** The gastric body is asked for without a view, so forward and retroflexed pictures both serve it. */
export const BSG_AUGIS_2017: ChecklistData = {
  id: 'bsg-augis-2017',
  name: 'BSG/AUGIS 2017 upper gastrointestinal endoscopy, 8 sites',
  citation:
    'Beg S, et al. Quality standards in upper gastrointestinal endoscopy: a position statement of the British Society of Gastroenterology (BSG) and Association of Upper Gastrointestinal Surgeons of Great Britain and Ireland (AUGIS). Gut 2017;66:1886–1899',
  status: 'verified against published audits that apply the list; the full text was not at hand',
  tract: 'upper',
  sites: [
    { id: 'upper-esophagus', name: 'Upper oesophagus', landmarks: ['proximal-esophagus'] },
    { id: 'gastro-esophageal-junction', name: 'Gastro-oesophageal junction', landmarks: ['z-line'] },
    {
      id: 'fundus-retroflex',
      name: 'Fundus in retroflexion',
      landmarks: [
        'cardia-retroflex',
        'retroflex-stomach',
        'fundus-cardia-retroflex-anterior',
        'fundus-cardia-retroflex-lesser',
        'fundus-cardia-retroflex-posterior',
        'fundus-cardia-retroflex-greater',
      ],
    },
    {
      id: 'gastric-body',
      name: 'Gastric body',
      landmarks: [
        'stomach-body',
        'body-retroflex',
        'lower-body-anterior',
        'lower-body-lesser',
        'lower-body-posterior',
        'lower-body-greater',
        'middle-upper-body-anterior',
        'middle-upper-body-lesser',
        'middle-upper-body-posterior',
        'middle-upper-body-greater',
        'middle-upper-body-retroflex-anterior',
        'middle-upper-body-retroflex-lesser',
        'middle-upper-body-retroflex-posterior',
      ],
    },
    {
      id: 'incisura-retroflex',
      name: 'Incisura in retroflexion',
      landmarks: ['angulus', 'incisura-retroflex-anterior', 'incisura-retroflex-lesser', 'incisura-retroflex-posterior'],
    },
    {
      id: 'antrum',
      name: 'Antrum',
      landmarks: ['antrum', 'antrum-anterior', 'antrum-lesser', 'antrum-posterior', 'antrum-greater'],
    },
    { id: 'duodenal-bulb', name: 'Duodenal bulb', landmarks: ['duodenal-bulb'] },
    { id: 'distal-duodenum', name: 'Distal duodenum', landmarks: ['duodenum'] },
  ],
};
