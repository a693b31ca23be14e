import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CoverageState } from '../../tracking/coverage.js';
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
    siteStates: statesOf(procedure),
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

function statesOf(procedure: Procedure): CoverageState[] {
  if (procedure.description.kind !== 'photographs') return coverageOf(procedure).sites.map(({ state }) => state);
  // Photographs are judged by their own rules; what they came to stands in the journal, and marks by hand over it.
  const states = new Map<string, CoverageState>();
  const machine = procedure.entries.findLast((entry) => entry.type === 'coverage')?.sites ?? [];
  for (const { id, state } of machine) states.set(id, state);
  for (const entry of procedure.entries) {
    if (entry.type === 'site-set') states.set(entry.site, entry.state);
    if (entry.type === 'site-cleared') states.set(entry.site, machine.find(({ id }) => id === entry.site)?.state ?? 'unsupported');
  }
  return checklistOf(procedure).sites.map(({ id }) => states.get(id) ?? 'unsupported');
}

async function bytesOf(folder: string): Promise<number> {
  let bytes = 0;
  for (const { path, kind } of await filesBelow(folder)) if (kind === 'file') bytes += (await stat(join(folder, path))).size;
  return bytes;
}
