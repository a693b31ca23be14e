import type { HelloMessage, LabelInfo } from '../../../src/server/protocol.js';
import type { SearchAnswer } from '../../../src/server/search-protocol.js';
import { call, send } from '../api.js';

export interface GallerySummary {
  readonly name: string;
  readonly exemplars: number;
  readonly labels: readonly LabelInfo[];
}

/** The gallery that is searched; null when there is none. */
export async function readGallery(): Promise<GallerySummary | null> {
  return ((await call('GET', './api/state')) as { hello: HelloMessage }).hello.gallery;
}

/** @param label Only exemplars of this label; null: of any. */
export async function searchFile(file: File, label: string | null): Promise<SearchAnswer> {
  const query = new URLSearchParams({ name: file.name, ...(label === null ? {} : { label }) });
  return (await send('POST', `./api/search?${query.toString()}`, {
    headers: { 'Content-Type': 'application/octet-stream' },
    body: file,
  })) as SearchAnswer;
}
