import type { ReplayDetections } from '../../../src/server/procedure-protocol.js';

type Neighbours = ReplayDetections['detections'][number]['neighbours'];

/** What is fetched at once, µs of video. */
const PAGE_US = 20_000_000;

/** The nearest exemplars of the frames around where one looks, fetched as one comes there. */
export interface ExemplarPages {
  /** Those of a frame, or none while they are fetched; `onLoaded` is called when they have come. */
  of(frameId: number, ptsUs: number): Neighbours;
}

export function exemplarPages(
  read: (fromPtsUs: number, toPtsUs: number) => Promise<ReplayDetections>,
  onLoaded: () => void,
): ExemplarPages {
  const pages = new Map<number, Map<number, Neighbours> | null>();
  const fetchPage = async (page: number): Promise<void> => {
    const found = new Map<number, Neighbours>();
    let from: number | null = page * PAGE_US;
    while (from !== null) {
      const answer: ReplayDetections = await read(from, (page + 1) * PAGE_US);
      for (const { frameId, neighbours } of answer.detections) found.set(frameId, neighbours);
      from = answer.nextPtsUs;
    }
    pages.set(page, found);
    onLoaded();
  };
  return {
    of(frameId, ptsUs) {
      const page = Math.floor(ptsUs / PAGE_US);
      if (!pages.has(page)) {
        pages.set(page, null);
        // It is asked for again when somebody comes by once more.
        fetchPage(page).catch(() => pages.delete(page));
      }
      return pages.get(page)?.get(frameId) ?? [];
    },
  };
}
