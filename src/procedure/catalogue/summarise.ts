import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { filesBelow } from '../durable-files.js';
import { checklistOf, coverageOf } from '../final-coverage.js';
import { readProcedure, type Procedure } from '../reader.js';
import type { ProcedureSummary } from './summary.js';

/** What the catalogue keeps of a folder. @throws ProcedureError when it is no procedure, or one of a newer version. */
export async function summariseFolder(folder: string): Promise<ProcedureSummary> {
  const procedure = await readProcedure(folder);
  return { ...summarise(procedure), bytes: await bytesOf(folder) };
}

/** The summary of a procedure without the size of its folder. */
export function summarise(procedure: Procedure): Omit<ProcedureSummary, 'bytes'> {
  const { id, description, entries, state } = procedure;
  const checklist = checklistOf(procedure);
  const timers = entries.findLast((entry) => entry.type === 'timers');
  const hold = entries.findLast((entry) => entry.type === 'audit-hold');
  return {
    id,
    kind: description.kind,
    state,
    label: description.label,
    startedAt: description.startedAt,
    checklist: {
      id: checklist.id,
      name: checklist.name,
      sites: checklist.sites.map(({ id: site, name, optional }) => ({ id: site, name, optional })),
    },
    siteStates: coverageOf(procedure).sites.map((site) => site.state),
    timers: {
      totalMs: timers?.totalMs ?? null,
      inspectionMs: timers?.inspectionMs ?? null,
      withdrawalMs: timers?.withdrawalMs ?? null,
    },
    model: description.model.name,
    gallery: description.gallery.name,
    source: description.source.label,
    simulated: description.source.simulated,
    held: hold?.on ?? false,
  };
}

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const { path, kind } of await filesBelow(folder)) if (kind === 'file') bytes += (await stat(join(folder, path))).size;
  return bytes;
}
