import { seededRandom } from '../../../src/common/random.js';
import type { ProcedureSummary } from '../../../src/procedure/catalogue/summary.js';
import { CHECKLISTS } from '../../../src/tracking/checklist.js';

const STATES = ['documented', 'documented', 'documented', 'seen', 'unseen', 'unsupported'] as const;
const LABELS = [null, null, 'Raum 2', 'Müller Kurs', 'second look', 'TRAINING'];

/** Procedures of three years as an endoscopy unit might keep them; the same for the same seed. */
export function randomSummaries(count: number, seed = 1): ProcedureSummary[] {
  const random = seededRandom(seed);
  const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)]!;
  const first = Date.UTC(2024, 0, 3);
  return Array.from({ length: count }, (_, position): ProcedureSummary => {
    const checklist = pick(CHECKLISTS);
    const startedAt = new Date(first + Math.floor(random() * 3 * 365 * 86_400_000)).toISOString();
    const totalMs = Math.round(300_000 + random() * 1_500_000);
    return {
      id: `${startedAt.slice(0, 19).replaceAll(':', '-')}Z-${position.toString(36).padStart(4, '0')}`,
      kind: pick(['recorded', 'recorded', 'imported', 'photographs'] as const),
      state: pick(['closed', 'closed', 'closed', 'interrupted', 'open'] as const),
      label: pick(LABELS),
      startedAt,
      checklist: {
        id: checklist.id,
        name: checklist.name,
        sites: checklist.sites.map(({ id, name, optional }) => ({ id, name, optional })),
      },
      siteStates: checklist.sites.map(() => (random() < 0.6 ? 'documented' : pick(STATES))),
      timers: {
        totalMs: random() < 0.05 ? null : totalMs,
        inspectionMs: checklist.tract === 'upper' ? Math.round(totalMs * 0.9) : null,
        withdrawalMs: checklist.tract === 'lower' ? Math.round(totalMs * 0.5) : null,
      },
      model: 'descriptors',
      gallery: 'gallery',
      source: 'v4l2:/dev/video0',
      simulated: random() < 0.1,
      held: random() < 0.02,
      bytes: Math.round(random() * 2e9),
    };
  });
}
