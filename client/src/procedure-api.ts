import type { SiteState } from '../../src/server/protocol.js';
import { call } from './api.js';

export interface Beginning {
  readonly sourceId: string;
  readonly label: string;
  readonly operator: string;
}

function path(id: string, action: string): string {
  return `./api/procedures/${encodeURIComponent(id)}/${action}`;
}

export async function beginProcedure({ sourceId, label, operator }: Beginning): Promise<void> {
  await call('POST', './api/procedures', { sourceId, ...(label === '' ? {} : { label }), ...(operator === '' ? {} : { operator }) });
}

export async function endProcedure(id: string): Promise<void> {
  await call('POST', path(id, 'stop'), {});
}

/** Keeps the frame that was drawn; resolves when it is on the disk. */
export async function captureFrame(id: string, frame: { frameId: number; ptsUs: number } | null): Promise<{ fullSize: boolean }> {
  return (await call('POST', path(id, 'captures'), frame ?? {})) as { fullSize: boolean };
}

/** A null state takes back what was set by hand. */
export async function setSite(id: string, site: string, state: Exclude<SiteState, 'unsupported'> | null, reason: string): Promise<void> {
  await call('PUT', path(id, `sites/${encodeURIComponent(site)}`), { state, reason });
}

export async function addNote(id: string, text: string): Promise<void> {
  await call('POST', path(id, 'notes'), { text });
}

export async function setPaused(id: string, paused: boolean): Promise<void> {
  await call('POST', path(id, paused ? 'pause' : 'resume'), {});
}
