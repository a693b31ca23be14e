import type { ChecklistData } from '../checklist.js';

/**
 * Not one publication's list: the landmarks that the cited ones ask to be photographed, and the segments of the colon as optional
 * sites. The appendiceal orifice lies in the caecum and proves it; the ileocaecal valve can be seen from the ascending colon and
 * does not.
 */
export const COLONOSCOPY: ChecklistData = {
  id: 'colonoscopy',
  name: 'Colonoscopy: caecal landmarks and rectum',
  citation:
    'Composed from the American Gastroenterological Association’s quality indicators for colonoscopy (appendiceal orifice and ileocaecal valve), the Gastroenterological Society of Australia’s criteria of completion, and Dominitz JA, Rex DK, 2023 (rectum in retroflexion)',
  status: 'verified against public pages of the sources; a composed list, not one publication’s: check against your own standard',
  tract: 'lower',
  sites: [
    { id: 'terminal-ileum', name: 'Terminal ileum', landmarks: ['terminal-ileum'], optional: true },
    { id: 'appendiceal-orifice', name: 'Appendiceal orifice', landmarks: ['appendiceal-orifice'] },
    { id: 'ileocecal-valve', name: 'Ileocaecal valve', landmarks: ['ileocecal-valve'] },
    { id: 'cecum', name: 'Caecum', landmarks: ['cecum', 'appendiceal-orifice'] },
    { id: 'ascending-colon', name: 'Ascending colon', landmarks: ['ascending-colon'], optional: true },
    { id: 'hepatic-flexure', name: 'Hepatic flexure', landmarks: ['hepatic-flexure'], optional: true },
    { id: 'transverse-colon', name: 'Transverse colon', landmarks: ['transverse-colon'], optional: true },
    { id: 'splenic-flexure', name: 'Splenic flexure', landmarks: ['splenic-flexure'], optional: true },
    { id: 'descending-colon', name: 'Descending colon', landmarks: ['descending-colon'], optional: true },
    { id: 'sigmoid', name: 'Sigmoid', landmarks: ['sigmoid'], optional: true },
    { id: 'rectum', name: 'Rectum', landmarks: ['rectum'] },
    { id: 'retroflex-rectum', name: 'Rectum in retroflexion', landmarks: ['retroflex-rectum'] },
  ],
};
