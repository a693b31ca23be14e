import type { IncomingMessage } from 'node:http';
import { classInfo } from '../common/landmarks.js';
import type { Embedder } from '../inference/embedder.js';
import { dataUri } from '../report/data-uri.js';
import type { Gallery } from '../retrieval/gallery.js';
import { searchPicture } from '../retrieval/search-picture.js';
import { HttpError } from './problem.js';
import type { Route } from './router.js';
import type { SearchAnswer } from './search-protocol.js';

export interface SearchRoutesOptions {
  readonly gallery: Gallery;
  readonly embedder: Embedder;
}

/** A still of the largest endoscope as an uncompressed picture, with room to spare. */
const MAX_PICTURE_BYTES = 64 * 2 ** 20;
const DEFAULT_K = 24;
const MAX_K = 200;
const SCORES_SENT = 5;

/** `POST /api/search?k=24&label=z-line` with the bytes of a picture file as its body: the most similar exemplars. Nothing of it is kept. */
export function searchRoutes({ gallery, embedder }: SearchRoutesOptions): Route[] {
  return [
    {
      method: 'POST',
      pattern: '/api/search',
      handler: async ({ request, url }): Promise<SearchAnswer> => {
        const k = wholeNumber(url.searchParams.get('k') ?? String(DEFAULT_K));
        const label = url.searchParams.get('label');
        if (label !== null && !gallery.labels.includes(label)) {
          throw new HttpError(400, 'bad-request', `label: the gallery has no exemplar of "${label}".`);
        }
        const name = (url.searchParams.get('name') ?? 'The picture').slice(0, 200);
        const bytes = await readBody(request);
        const found = await searchPicture(gallery, embedder, bytes, { name, k, ...(label === null ? {} : { label }) });
        const { known, confidence, scores } = found.match;
        return {
          known,
          confidence,
          threshold: gallery.manifest.calibration?.chosen.threshold ?? null,
          scores: scores.slice(0, SCORES_SENT).map((entry) => ({ ...entry, name: classInfo(entry.label).name })),
          neighbours: found.neighbours.map((neighbour) => ({
            ...neighbour,
            name: classInfo(neighbour.label).name,
            path: gallery.exemplars[neighbour.exemplar]?.path ?? '',
          })),
          compared: dataUri(found.thumbnail),
        };
      },
    },
  ];
}

function wholeNumber(text: string): number {
  const k = Number(text);
  if (!Number.isInteger(k) || k < 1 || k > MAX_K) throw new HttpError(400, 'bad-request', `k: must be a whole number from 1 to ${MAX_K}.`);
  return k;
}

async function readBody(request: IncomingMessage): Promise<Uint8Array<ArrayBuffer>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > MAX_PICTURE_BYTES) throw new HttpError(413, 'too-large', `The picture is larger than ${MAX_PICTURE_BYTES / 2 ** 20} MiB.`);
    chunks.push(chunk);
  }
  if (bytes === 0) throw new HttpError(400, 'bad-request', 'The body must be a picture.');
  return new Uint8Array(Buffer.concat(chunks));
}
