import { describe, expect, it } from 'vitest';
import { Groups } from '../../src/retrieval/groups.js';
import { kinGroups, patientOf } from '../../src/retrieval/patients.js';

describe('the patient that a path names', () => {
  it.each([
    ['antrum/patient-1003-02.png', '1003'],
    ['Patient_A3/pylorus/7.jpg', 'a3'],
    ['pylorus/patient 12.jpg', '12'],
    ['pylorus/inpatient-12.jpg', null],
    ['pylorus/0001.jpg', null],
  ])('%s: %s', (path, patient) => {
    expect(patientOf(path)).toBe(patient);
  });

  it('is believed; without one, near-duplicates belong together', () => {
    const alike = new Groups(5);
    alike.join(0, 2);
    alike.join(3, 4);
    const paths = ['a/patient-1-1.png', 'b/patient-1-2.png', 'a/patient-2-1.png', 'a/x.png', 'a/y.png'];
    expect(kinGroups(paths, alike)).toEqual([0, 0, 2, 3, 3]);
  });
});
