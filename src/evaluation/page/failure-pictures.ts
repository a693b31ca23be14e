import { dataUri } from '../../report/data-uri.js';
import type { Failure } from '../failures.js';

/** Data URIs of the pictures that failures show, by row; null where there is no picture. */
export async function failurePictures(
  failures: readonly Failure[],
  thumbnail: (row: number) => Promise<Uint8Array | null>,
): Promise<ReadonlyMap<number, string | null>> {
  const rows = new Set(
    failures.flatMap(({ query, neighbours, firstRelevant }) => [
      query,
      firstRelevant.exemplar,
      ...neighbours.map(({ exemplar }) => exemplar),
    ]),
  );
  const pictures = new Map<number, string | null>();
  for (const row of rows) {
    const jpeg = await thumbnail(row);
    pictures.set(row, jpeg === null ? null : dataUri(jpeg));
  }
  return pictures;
}
