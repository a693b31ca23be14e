import { readFileSync } from 'node:fs';
import * as z from 'zod';
import { messageOf, UsageError } from '../common/errors.js';
import { BSG_AUGIS_2017 } from './checklists/bsg-augis-2017.js';
import { COLONOSCOPY } from './checklists/colonoscopy.js';
import { ESGE_2016 } from './checklists/esge-2016.js';
import { SSS_2013 } from './checklists/sss-2013.js';

const kebab = z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be kebab-case');

export const CHECKLIST_SCHEMA = z
  .strictObject({
    id: kebab,
    name: z.string().min(1),
    /** Where the list was published. */
    citation: z.string().min(1),
    /** How far the list was compared with that publication; starts with `verified` or tells the reader to check. */
    status: z.string().min(1),
    tract: z.enum(['upper', 'lower']),
    /** In the order of the publication. */
    sites: z
      .array(
        z.strictObject({
          id: kebab,
          name: z.string().min(1),
          /** Classes that prove the site by themselves; any one of them serves it. A class that might show something else does not. */
          landmarks: z.array(kebab).min(1),
          /** Shown, but not required for completeness. */
          optional: z.boolean().default(false),
        }),
      )
      .min(1),
  })
  .superRefine((checklist, context) => {
    const seen = new Set<string>();
    checklist.sites.forEach(({ id }, index) => {
      if (seen.has(id)) context.addIssue({ code: 'custom', path: ['sites', index, 'id'], message: `site ${id} is listed twice` });
      seen.add(id);
    });
  });

/** A published list of required sites, as data. */
export type Checklist = z.output<typeof CHECKLIST_SCHEMA>;
export type ChecklistSite = Checklist['sites'][number];
/** A checklist as it is written down: `optional` may be left out. */
export type ChecklistData = z.input<typeof CHECKLIST_SCHEMA>;

/** @throws UsageError naming the field that is wrong. */
export function parseChecklist(data: unknown, where = 'checklist'): Checklist {
  const parsed = CHECKLIST_SCHEMA.safeParse(data);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UsageError('checklist-invalid', `${where}: ${issue?.path.join('.') ?? ''} ${issue?.message ?? 'is not valid'}`, {
    remedy: 'Compare it with one of the shipped checklists in docs/tracking.md.',
    cause: parsed.error,
  });
}

/** The checklists that ship with Lumenmark; the first of each tract is its default. */
export const CHECKLISTS: readonly Checklist[] = [ESGE_2016, BSG_AUGIS_2017, SSS_2013, COLONOSCOPY].map((data) =>
  parseChecklist(data, data.id),
);

/**
 * A shipped checklist by its id, or one of your own from a JSON file (anything that ends in `.json`).
 *
 * @throws UsageError when there is no such checklist, or the file cannot be read or is not a checklist.
 */
export function loadChecklist(idOrFile: string): Checklist {
  const shipped = CHECKLISTS.find(({ id }) => id === idOrFile);
  if (shipped !== undefined) return shipped;
  const ids = CHECKLISTS.map(({ id }) => id).join(', ');
  if (!idOrFile.endsWith('.json')) {
    throw new UsageError('checklist-unknown', `There is no checklist "${idOrFile}"`, { remedy: `Use one of ${ids}, or a .json file.` });
  }
  let data: unknown;
  try {
    data = JSON.parse(readFileSync(idOrFile, 'utf8'));
  } catch (cause) {
    throw new UsageError('checklist-unreadable', `Checklist ${idOrFile} cannot be read: ${messageOf(cause)}`, {
      remedy: `Correct the file, or use one of ${ids}.`,
      cause,
    });
  }
  return parseChecklist(data, idOrFile);
}
