import type { ChecklistData } from '../checklist.js';

/**
 * What serves a site was decided class by class: generic `stomach` and `esophagus` prove none, `pylorus` alone does not show the
 * antrum, and the stations of the screening protocol have no greater curvature in retroflexion, so they cannot serve the
 * retroflexed corpus, which asks for it.
 */
export const ESGE_2016: ChecklistData = {
  id: 'esge-2016',
  name: 'ESGE 2016 upper gastrointestinal endoscopy, 10 sites',
  citation:
    'Bisschops R, et al. Performance measures for upper gastrointestinal endoscopy: a European Society of Gastrointestinal Endoscopy (ESGE) Quality Improvement Initiative. Endoscopy 2016;48:843–864',
  status: 'verified against a public excerpt that quotes the list; the full text was not at hand',
  tract: 'upper',
  sites: [
    { id: 'proximal-esophagus', name: 'Proximal oesophagus', landmarks: ['proximal-esophagus'] },
    { id: 'distal-esophagus', name: 'Distal oesophagus', landmarks: ['distal-esophagus'] },
    { id: 'z-line', name: 'Z-line and diaphragm indentation', landmarks: ['z-line'] },
    {
      id: 'cardia-fundus-inversion',
      name: 'Cardia and fundus in inversion',
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
      id: 'corpus-forward',
      name: 'Corpus in forward view, with lesser curvature',
      landmarks: ['stomach-body', 'lower-body-lesser', 'middle-upper-body-lesser'],
    },
    { id: 'corpus-retroflex', name: 'Corpus in retroflexed view, with greater curvature', landmarks: ['body-retroflex'] },
    {
      id: 'angulus',
      name: 'Angulus in partial inversion',
      landmarks: ['angulus', 'incisura-retroflex-anterior', 'incisura-retroflex-lesser', 'incisura-retroflex-posterior'],
    },
    {
      id: 'antrum',
      name: 'Antrum',
      landmarks: ['antrum', 'antrum-anterior', 'antrum-lesser', 'antrum-posterior', 'antrum-greater'],
    },
    { id: 'duodenal-bulb', name: 'Duodenal bulb', landmarks: ['duodenal-bulb'] },
    { id: 'second-part-duodenum', name: 'Second part of the duodenum', landmarks: ['duodenum'] },
  ],
};
