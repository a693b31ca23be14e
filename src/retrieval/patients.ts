import type { Groups } from './groups.js';

/** `patient-12`, `Patient_A3`, `patient 7`, at the start of a folder's or file's name. */
const PATIENT = /(?:^|\/)patient[-_ ]?([a-z0-9]+)/i;

/** The patient that a picture's path names, or null. */
export function patientOf(path: string): string | null {
  return PATIENT.exec(path)?.[1]?.toLowerCase() ?? null;
}

/**
 * What must not be asked about itself when a gallery is calibrated: the pictures of one patient, where paths name patients, else
 * near-duplicates. A frame that is to come is of a patient whom the gallery has never seen, and another picture of the same patient makes it
 * look easier than that. Who names patients is believed: pictures of two patients may look alike.
 */
export function kinGroups(paths: readonly string[], nearDuplicates: Groups): number[] {
  const first = new Map<string, number>();
  return paths.map((path, picture) => {
    const patient = patientOf(path);
    if (patient === null) return nearDuplicates.of(picture);
    const group = first.get(patient) ?? picture;
    first.set(patient, group);
    return group;
  });
}
